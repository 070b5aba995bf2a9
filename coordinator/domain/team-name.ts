/**
 * Names of teams, so that nobody can pass for another team. What is stored is NFKC, which folds what
 * looks the same by design (ﬁ, Ａ, ①); two names are one when their keys are equal:
 *
 *   "Ｐａｙ Pals"  ─ NFKC ─► "Pay Pals"  ─ key ─► "pay pals"     case, and white space, do not tell apart
 *   "paypaI", "pаypal" (Cyrillic а), "PAYPA1"   ─ key ─► "paypal" nor do letters that are drawn alike
 *
 * Letters of two scripts in one word are refused, but for those that are written together. The list of
 * letters drawn alike is the short one that matters: Cyrillic and Greek against Latin, and 0, 1, i
 * (Unicode's whole list, UTS 39, has six thousand pairs, most of them between scripts we refuse to mix).
 */
export const teamNameCharsMin = 2;
export const teamNameCharsMax = 40;

/** The name as it is shown, or a sentence that says what is wrong with it. */
export function parseTeamName(text: string): { name: string; key: string } | { flaw: string } {
  const name = text.normalize('NFKC').replace(/\s+/gu, ' ').trim();
  const chars = [...name].length;
  if (chars < teamNameCharsMin || chars > teamNameCharsMax)
    return { flaw: `expected ${teamNameCharsMin} to ${teamNameCharsMax} characters` };
  const foreign = /[^\p{L}\p{M}\p{N} .,'’&+!_-]/u.exec(name)?.[0];
  if (foreign !== undefined)
    return { flaw: `expected letters, digits, spaces and . , ' & + ! _ - without "${foreign}"` };
  if (!/[\p{L}\p{N}]/u.test(name)) return { flaw: 'expected a letter or a digit' };
  // Accents one upon the other run over the lines above and below.
  if (/\p{M}{3}/u.test(name)) return { flaw: 'expected at most two accents on a letter' };
  if (isMixed(name)) return { flaw: 'expected the letters of one script' };
  return { name, key: keyOf(name) };
}

function keyOf(name: string): string {
  // Upper case first: it takes ß to SS and ſ to S, which lower case alone would leave.
  const folded = name.toUpperCase().toLowerCase().normalize('NFD').replace(/\p{M}/gu, '');
  return [...folded].map((char) => drawnAlike.get(char) ?? char).join('');
}

/** Which scripts a name may mix: none, but for those that one language writes together. */
const together: readonly RegExp[] = [
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Latin}]*$/u,
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Latin}]*$/u,
  /^[\p{Script=Han}\p{Script=Bopomofo}\p{Script=Latin}]*$/u,
];
const single: readonly RegExp[] = [
  /^\p{Script=Latin}*$/u,
  /^\p{Script=Cyrillic}*$/u,
  /^\p{Script=Greek}*$/u,
];

function isMixed(name: string): boolean {
  const letters = name.replace(/[^\p{L}]|[\p{Script=Common}\p{Script=Inherited}]/gu, '');
  if ([...single, ...together].some((script) => script.test(letters))) return false;
  // Any other script alone is fine; with a letter of these three it is not.
  return /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u.test(letters);
}

/** Lower-case letters and digits by the Latin letter that they are drawn like, in some case. */
const drawnAlike = new Map<string, string>(
  Object.entries({
    a: 'аα',
    b: 'вβ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еε',
    h: 'нһη',
    j: 'јϳ',
    k: 'кκ',
    l: '1iіӏιı',
    m: 'мμ',
    n: 'ν',
    o: '0оοσ',
    p: 'рρ',
    q: 'ԛ',
    s: 'ѕ',
    t: 'тτ',
    w: 'ԝω',
    x: 'хχ',
    y: 'уүγυ',
    z: 'ζ',
  }).flatMap(([latin, others]) => [...others].map((char): [string, string] => [char, latin])),
);
