/**
 * How much garbage V8 keeps. After a full collection it lets the heap grow by a factor of its own before the next one, four at
 * most; with a heap of thirty megabytes that is a hundred of what nobody needs any more. A coordinator shares a small machine
 * with its Redis, so its heap may triple and no more. To let it only double would take 60 MiB less, and up to a tenth more CPU for each
 * unit (docs/PERFORMANCE.md, `million`).
 */
import { setFlagsFromString } from 'node:v8';

/** Of this process, for as long as it lives; takes effect with the next collection. */
export const boundHeapGrowth = (): void => setFlagsFromString('--heap-growing-percent=200');
