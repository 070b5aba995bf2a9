import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import type { HostResult } from '../../protocol/messages.ts';
import type { StoredResult } from '../../worker/journal.ts';
import { Outbox } from '../../worker/outbox.ts';

const aResult = (unit: number, more: Partial<HostResult> = {}): HostResult => ({
  unit,
  outcome: 'success',
  exitCode: 0,
  fuel: 5,
  digest: new Uint8Array(32),
  output: new Uint8Array(10),
  detail: '',
  wallMs: 1,
  ...more,
});
const stored = (unit: number, more: Partial<HostResult> = {}, leaseId = 'lease'): StoredResult => ({
  leaseId,
  result: aResult(unit, more),
  uploadBytes: 0,
});

let outbox: Outbox;
let id: number;
const nextId = () => id++;
const unitsOf = (report: { results: { unit: number }[] } | null) =>
  report?.results.map(({ unit }) => unit);
const put = (one: StoredResult) => {
  outbox.add(one);
  outbox.ready(one, 0);
};

beforeEach(() => {
  outbox = new Outbox();
  id = 1;
});

test('a second result for the same unit of a lease is refused: the first one stands', () => {
  expect(outbox.add(stored(1))).toBe(true);
  expect(outbox.add(stored(1, { outcome: 'kernel_trap' }))).toBe(false);
  expect(outbox.all().map(({ result }) => result.outcome)).toEqual(['success']);
});

test('the same unit under another lease is another replica', () => {
  expect(outbox.add(stored(1))).toBe(true);
  expect(outbox.add(stored(1, {}, 'other'))).toBe(true);
});

test('a result is not reported before it is ready', () => {
  outbox.add(stored(1));
  expect(outbox.take('lease', nextId, 0)).toBeNull();
  expect(outbox.isKeeping('lease')).toBe(true);
});

test('a report carries at most what the contract allows, and the next one the rest', () => {
  for (let unit = 0; unit < 300; unit++) put(stored(unit));
  expect(outbox.take('lease', nextId, 0)?.results).toHaveLength(limits.resultsPerReportMax);
  expect(outbox.take('lease', nextId, 0)?.results).toHaveLength(44);
  expect(outbox.take('lease', nextId, 0)).toBeNull();
});

test('long results make shorter reports: a frame has a limit too', () => {
  const detail = 'x'.repeat(limits.detailCharsMax);
  const output = new Uint8Array(limits.inlineOutputBytesMax);
  for (let unit = 0; unit < 256; unit++) put(stored(unit, { detail, output }));
  const results = outbox.take('lease', nextId, 0)?.results ?? [];
  expect(results.length).toBeGreaterThan(100);
  expect(results.length).toBeLessThan(256);
});

test('what was sent is not sent again until its session is lost', () => {
  put(stored(1));
  expect(unitsOf(outbox.take('lease', nextId, 10))).toEqual([1]);
  expect(outbox.take('lease', nextId, 10)).toBeNull();
  outbox.putBackOlder(10, 20);
  expect(outbox.take('lease', nextId, 20)).toBeNull();
  outbox.putBackOlder(11, 20);
  expect(unitsOf(outbox.take('lease', nextId, 20))).toEqual([1]);
});

test('a result stays until it is settled, whatever was sent', () => {
  put(stored(1));
  put(stored(2));
  const report = outbox.take('lease', nextId, 0);
  expect(outbox.answered(report?.id ?? 0)?.results).toHaveLength(2);
  expect(outbox.size).toBe(2);
  outbox.settle('lease', [1]);
  expect([outbox.size, outbox.all().map(({ result }) => result.unit)]).toEqual([1, [2]]);
});

test('an answer to a report that is not under way is nobody’s', () => {
  expect(outbox.answered(17)).toBeNull();
});

test('there is an end to how many reports are under way at once', () => {
  for (let i = 0; i < 100; i++) put(stored(i, {}, `lease ${i}`));
  const taken = Array.from({ length: 100 }, (_, i) => outbox.take(`lease ${i}`, nextId, 0));
  expect(taken.filter((report) => report !== null)).toHaveLength(16);
});

test('large outputs are counted until their results are settled', () => {
  outbox.add({ ...stored(1), uploadBytes: 5000 });
  outbox.add({ ...stored(2), uploadBytes: 700 });
  outbox.settle('lease', [1]);
  expect(outbox.uploadBytes).toBe(700);
});
