/**
 * How much garbage V8 keeps. After a full collection it lets the heap grow by a factor of its own before the next one, four at
 * most: with a heap of thirty megabytes that is a hundred of what nobody needs any more. A coordinator shares a small machine
 * with its Redis, so it keeps some 64 MiB of garbage, whatever else it has; when that is much, half as much again. Less takes up to a tenth
 * more CPU for each unit (docs/PERFORMANCE.md, `million`).
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** An entry of type `gc`. */
type Collection = PerformanceEntry & { detail: { kind: number } };

const garbageBytes = 64 * 1024 * 1024;
const growthPercentMin = 50;
/** V8's own most. */
const growthPercentMax = 300;

/** What it may grow by after a full collection that left so many bytes. */
export function growthPercent(bytesLeft: number): number {
  const percent = Math.round((100 * garbageBytes) / bytesLeft);
  return Math.min(Math.max(percent, growthPercentMin), growthPercentMax);
}

/** In this process, from now on. Returns what ends it. V8 reads the flag at the end of each full collection, so it holds from the next. */
export function boundHeapGrowth(): () => void {
  const set = () => {
    const percent = growthPercent(getHeapStatistics().used_heap_size);
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  };
  set();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as Collection[]) {
      if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) set();
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
