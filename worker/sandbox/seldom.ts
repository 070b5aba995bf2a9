/** Kernels may tell their progress in a tight loop; a person looks once a second. */
const everyMs = 1000;

/** Passes on the first call and then at most one a second. */
export function seldom(tell: (fraction: number) => void): (fraction: number) => void {
  let nextMs = 0;
  return (fraction) => {
    const now = performance.now();
    if (now < nextMs) return;
    nextMs = now + everyMs;
    tell(fraction);
  };
}
