import { expect, test } from 'vitest';
import { cgroupCores } from '../../../worker/platform/cgroup.ts';

const files = (contents: Record<string, string>) => (path: string) =>
  contents[path.replace('/sys/fs/cgroup/', '')] ?? null;

test.each([
  ['cgroup 2 with a quota', { 'cpu.max': '150000 100000\n' }, 1.5],
  ['cgroup 2 without one', { 'cpu.max': 'max 100000\n' }, Number.POSITIVE_INFINITY],
  [
    'cgroup 1 with a quota',
    { 'cpu/cpu.cfs_quota_us': '400000\n', 'cpu/cpu.cfs_period_us': '100000\n' },
    4,
  ],
  [
    'cgroup 1 without one',
    { 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' },
    Number.POSITIVE_INFINITY,
  ],
  ['no cgroup at all', {}, Number.POSITIVE_INFINITY],
])('%s', (_what, contents, cores) => {
  expect(cgroupCores(files(contents as Record<string, string>))).toBe(cores);
});
