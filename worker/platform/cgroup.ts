/**
 * How much CPU a Linux container may use. `os.availableParallelism` knows the affinity mask but not
 * the quota, and a worker with 32 threads on a quota of 2 cores is throttled for most of each
 * period: every unit takes sixteen times as long and leases run out.
 */
import { readFileSync } from 'node:fs';

/** Cores by quota, possibly a fraction; Infinity where there is no quota or no cgroup. */
export function cgroupCores(read: (path: string) => string | null = readText): number {
  const version2 = read('/sys/fs/cgroup/cpu.max');
  if (version2 !== null) {
    const [quota, period] = version2.trim().split(' ');
    return quota === 'max' ? Number.POSITIVE_INFINITY : ratio(quota, period);
  }
  return ratio(
    read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'),
    read('/sys/fs/cgroup/cpu/cpu.cfs_period_us'),
  );
}

function ratio(quota: string | null | undefined, period: string | null | undefined): number {
  const cores = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not Linux, or no such controller: no limit that we could know of.
    return null;
  }
}
