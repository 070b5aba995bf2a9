/**
 * What others have found, to hold our results against. Every value here was computed by programs
 * that have nothing to do with this one.
 */

/** Exponents below 100,000 whose Mersenne numbers are prime: OEIS A000043, its first 28 terms. */
export const mersenneExponents: readonly number[] = [
  2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1279, 2203, 2281, 3217, 4253, 4423, 9689,
  9941, 11213, 19937, 21701, 23209, 44497, 86243,
];

/** The last Lucas-Lehmer term modulo 2^p - 1, by p: OEIS A095847, where it is not zero. */
export const lastTerms: ReadonlyMap<number, bigint> = new Map([
  [11, 1736n],
  [23, 6107895n],
  [29, 458738443n],
  [37, 117093979072n],
  [41, 856605019673n],
  [43, 5774401272921n],
  [47, 96699253829728n],
  [53, 5810550306096509n],
  [59, 450529175803834166n],
  [67, 44350645312365507266n],
  [71, 271761692158955752596n],
  [73, 2941647823169311845731n],
]);

/**
 * res64 after 100, 1,000 and 10,000 squarings: the self-test of Mlucas (src/Mlucas.c, MersVec), a
 * program of the Great Internet Mersenne Prime Search that works in floating point.
 */
export const mlucasSelfTest: readonly {
  readonly exponent: number;
  readonly after100: string;
  readonly after1000: string;
  readonly after10000: string;
}[] = [
  {
    exponent: 22679,
    after100: '27F79B322B31FDA9',
    after1000: 'F602AA618A821226',
    after10000: '31E33974FE4AB5F8',
  },
  {
    exponent: 44657,
    after100: 'C15789922E67B055',
    after1000: 'AFA7CCAFEEE4A0AF',
    after10000: 'E1061D8AAAA1E4E4',
  },
];
