/**
 * How much garbage V8 keeps. After a full collection it lets the heap grow by a factor of its own, up to four, before the next one; with
 * a heap of thirty megabytes that is a hundred of what nobody needs any more. A coordinator shares a small machine with
 * its Redis, so its heap may only double. Measured: the same CPU a unit, and 225 MiB at most where 275 to 338 were
 * (docs/PERFORMANCE.md, `million`).
 */
import { setFlagsFromString } from 'node:v8';

/** Of this process, for as long as it lives; takes effect with the next collection. */
export const boundHeapGrowth = (): void => setFlagsFromString('--heap-growing-percent=100');
