/**
 * Patterns of guest paths, as a job's `run.outputs` has them: `*` stands for any run of characters
 * within one name, `**` as a whole name for any number of folders. Nothing else is special.
 */

/** The pattern and path are absolute; the work is bounded by their product, whatever the pattern. */
export function matchesGlob(pattern: string, path: string): boolean {
  return matchesNames(namesOf(pattern), namesOf(path));
}

/** The folders that a pattern names outright: a kernel can rely on them to be there. */
export function foldersOf(pattern: string): string[] {
  const folders = namesOf(pattern).slice(0, -1);
  const firstWild = folders.findIndex((name) => name.includes('*'));
  return firstWild < 0 ? folders : folders.slice(0, firstWild);
}

/** The names of an absolute path; empty ones and `.` say nothing. */
export const namesOf = (path: string): string[] =>
  path.split('/').filter((name) => name !== '' && name !== '.');

const matchesNames = (patterns: string[], names: string[]): boolean =>
  matchesSequence(patterns, names, (pattern) => pattern === '**', matchesName);

const matchesName = (pattern: string, name: string): boolean =>
  matchesSequence(
    [...pattern],
    [...name],
    (character) => character === '*',
    (a, b) => a === b,
  );

/**
 * The usual greedy match with one place to go back to: a later wildcard makes all earlier ones
 * settled, so this never takes more than pattern times text steps.
 */
function matchesSequence(
  pattern: string[],
  text: string[],
  isWild: (part: string) => boolean,
  isSame: (part: string, element: string) => boolean,
): boolean {
  let [p, t] = [0, 0];
  let [wildAt, resumeAt] = [-1, 0];
  while (t < text.length) {
    const part = pattern[p];
    if (part !== undefined && isWild(part)) {
      wildAt = p++;
      resumeAt = t;
    } else if (part !== undefined && isSame(part, text[t] ?? '')) {
      p++;
      t++;
    } else if (wildAt >= 0) {
      p = wildAt + 1;
      t = ++resumeAt;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isWild);
}
