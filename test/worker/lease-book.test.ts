import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { Lease } from '../../protocol/messages.ts';
import { fromRuns, LeaseBook, toRuns } from '../../worker/lease-book.ts';

const aLease = (leaseId: string, units: number[], more: Partial<Lease> = {}): Lease => ({
  leaseId,
  token: `token-${leaseId}`,
  jobId: 'job',
  units: toRuns(units),
  params: null,
  expiresInMs: 30_000,
  ...more,
});
const anyJob = () => true;

let book: LeaseBook;
beforeEach(() => {
  book = new LeaseBook();
});
const nextUnits = (count: number) => Array.from({ length: count }, () => book.next(anyJob)?.unit);

test('units are handed out in the order of their leases, then nothing', () => {
  book.add(aLease('first', [4, 5]));
  book.add(aLease('second', [0]));
  expect(nextUnits(4)).toEqual([4, 5, 0, undefined]);
});

test('a job that cannot run yet is passed over', () => {
  book.add(aLease('first', [1], { jobId: 'not yet' }));
  book.add(aLease('second', [2]));
  expect(book.next((jobId) => jobId !== 'not yet')?.unit).toBe(2);
  expect(book.unstarted).toBe(1);
});

test('a unit comes with the parameters its lease has for it', () => {
  book.add(aLease('first', [7, 9], { params: [{ p: 'seven' }, { p: 'nine' }] }));
  expect([book.next(anyJob)?.params, book.next(anyJob)?.params]).toEqual([
    { p: 'seven' },
    { p: 'nine' },
  ]);
});

test('a unit has one result at most', () => {
  book.add(aLease('first', [1]));
  book.next(anyJob);
  expect(book.finish('first', 1)).toBe(true);
  expect(book.finish('first', 1)).toBe(false);
});

test('a unit that was taken away has no result', () => {
  book.add(aLease('first', [1, 2]));
  book.next(anyJob);
  book.settle('first', [1]);
  expect(book.finish('first', 1)).toBe(false);
  expect(book.finish('unknown', 1)).toBe(false);
});

test('a lease lasts until its last unit is settled', () => {
  book.add(aLease('first', [1, 2]));
  nextUnits(2);
  book.finish('first', 1);
  book.settle('first', [1]);
  expect([book.tokenOf('first'), book.isWorkedOff('first')]).toEqual(['token-first', false]);
  book.finish('first', 2);
  expect(book.isWorkedOff('first')).toBe(true);
  expect(book.presented()).toEqual([{ token: 'token-first', units: [[2, 1]] }]);
  book.settle('first', [2]);
  expect([book.size, book.tokenOf('first')]).toEqual([0, null]);
});

test('what is presented are all units whose result is not recorded, whatever their state', () => {
  book.add(aLease('first', [1, 2, 3, 10]));
  nextUnits(2);
  book.finish('first', 1);
  expect(book.presented()).toEqual([
    {
      token: 'token-first',
      units: [
        [1, 3],
        [10, 1],
      ],
    },
  ]);
});

test('what remains of a lease is a lease again, with its parameters in place', () => {
  book.add(aLease('first', [3, 4, 8], { params: [{ p: 3 }, { p: 4 }, { p: 8 }] }));
  book.settle('first', [4]);
  const again = new LeaseBook();
  for (const lease of book.remaining()) again.add(lease);
  expect(again.next(anyJob)).toMatchObject({ unit: 3, params: { p: 3 } });
  expect(again.next(anyJob)).toMatchObject({ unit: 8, params: { p: 8 } });
  expect(again.next(anyJob)).toBeNull();
});

test('runs name exactly the units they were made of', () => {
  const units = fc.uniqueArray(fc.nat(2000), { maxLength: 600 });
  fc.assert(
    fc.property(units, (some) => {
      expect(fromRuns(toRuns(some))).toEqual(some.toSorted((a, b) => a - b));
    }),
  );
});

test('a run is never longer than the contract allows', () => {
  const runs = toRuns(Array.from({ length: 600 }, (_, i) => i));
  expect(runs).toEqual([
    [0, 256],
    [256, 256],
    [512, 88],
  ]);
});
