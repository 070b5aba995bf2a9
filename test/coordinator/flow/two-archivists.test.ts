/**
 * Two coordinators take the ledger to the files of one folder at once, and one of them is stalled in the middle of it.
 * Without terms it would cut off, on waking, what the other had written and Redis had let go of.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { archiveEntries } from '../../../coordinator/flow/archive.ts';
import { ledgerLines } from '../../../coordinator/flow/ledger-lines.ts';
import { History } from '../../../coordinator/store/history.ts';
import type { LedgerStore } from '../../../coordinator/store/ledger-store.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { aJob } from '../builders.ts';
import { anAppend, aPayment, applied, gridFacts, jobIdIn } from '../store/arrange.ts';

let folder: string;
let store: MemoryStore;
let written = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mh-two-'));
  store = new MemoryStore();
  await store.grid.open(gridFacts);
  const job = aJob({ jobId: jobIdIn(0), units: 1000, unitsPerShard: 1000 });
  await store.jobs.submit(job);
  await store.openShard(job, splitShard(job, 0));
  written = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One more entry. */
async function pay(): Promise<void> {
  const shard = splitShard(aJob({ jobId: jobIdIn(0), units: 1000, unitsPerShard: 1000 }), 0);
  const payment = aPayment(1, 7, [[written, 1]]);
  await store.append(0, [anAppend(shard, written++, 'x', { pay: [payment] })], 1);
  await applied(store, 0);
}

/** The ledger as somebody sees it who is stalled after a step of it. */
const stalledAfter = (name: keyof LedgerStore, meanwhile: () => Promise<void>): LedgerStore =>
  new Proxy(store.ledger, {
    get(target, key) {
      const found = Reflect.get(target, key);
      if (typeof found !== 'function') return found;
      if (key !== name) return found.bind(target);
      return async (...args: unknown[]) => {
        const reply = await found.apply(target, args);
        await meanwhile();
        return reply;
      };
    },
  });

/** As `ledger verify` does. */
async function entriesInFiles(): Promise<number> {
  const snapshot = await store.ledger.allBalances();
  const replay = new LedgerReplay();
  let entries = 0;
  for await (const line of ledgerLines(store.ledger, new History(folder), snapshot)) {
    const value = JSON.parse(line);
    if ('end' in value) replay.finish(value);
    else {
      replay.add(value, createHash('sha256').update(line).digest('hex'));
      entries++;
    }
  }
  return entries;
}

it.each(['archived', 'readEntries', 'beginTerm', 'receiptTails'] as const)(
  '[C1] a coordinator that is stalled after %s while another archives destroys no entry',
  async (step) => {
    const [sleeper, other] = [new History(folder), new History(folder)];
    await pay();
    await archiveEntries({ store }, sleeper);
    await pay();
    let isOver = false;
    const meanwhile = async () => {
      if (isOver) return;
      isOver = true;
      await archiveEntries({ store }, other);
      await pay();
      await archiveEntries({ store }, other);
    };
    const ledger = stalledAfter(step, meanwhile);
    // Somebody in its term begins none.
    const own = step === 'beginTerm' ? new History(folder) : sleeper;
    await archiveEntries({ store: Object.create(store, { ledger: { value: ledger } }) }, own);
    await archiveEntries({ store }, other);
    expect(isOver).toBe(true);
    expect(await store.ledger.readEntries(0, 9)).toEqual([]);
    expect(await entriesInFiles()).toBe((await store.ledger.head()).number);
  },
);
