/**
 * Leases on a check, reported to a coordinator that knows no more of the shard than their tokens say: each
 * tells of its own units.
 */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { type Shard, shardId } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import { Recorder } from '../../../coordinator/flow/record/record.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { LeaseTokens } from '../../../coordinator/tokens/lease-token.ts';
import { Sealer } from '../../../coordinator/tokens/seal.ts';
import { aCapacity, accountId, aJob, aLease, aResult, aStanding, leaseId } from '../builders.ts';

const key = { keyId: 'k1', secret: new Uint8Array(32).fill(7) };
const job = aJob({ units: 64, unitsPerShard: 64 });
const check: Shard = {
  jobId: job.jobId,
  number: 1,
  units: { list: [3, 17, 40, 41] },
  check: { needs: 'anyone', since: 0, needsNetworks: false, heard: [[], [], [], []] },
};

const opened = (holder: number, positions: [number, number][]) => {
  const facts = { ...aLease(holder, positions), shard: check };
  const [before, after] = [new LeaseTokens(new Sealer([key])), new LeaseTokens(new Sealer([key]))];
  return after.open(before.seal(facts), facts);
};

const after = (_ms: number, run: () => void) => {
  const timer = setImmediate(run);
  return () => clearImmediate(timer);
};

async function aGrid() {
  const [store, window] = [new MemoryStore(), new Window()];
  await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 });
  await store.jobs.submit(job);
  await store.openCheck(job, check);
  const recorder = new Recorder({
    partition: 0,
    store,
    window,
    paces: new Map(),
    clock: { now: () => 0, soon: queueMicrotask, after },
    log: pino({ level: 'silent' }),
    happened: () => {},
    closed: () => {},
    paid: () => {},
  });
  const report = (holder: number, positions: [number, number][]) => {
    const lease = opened(holder, positions);
    const results = positions.map(([position]) => aResult(position));
    return recorder.record(lease.shard, lease, { successes: null, results });
  };
  return { store, window, report };
}

it('[C2] each is paid for the units of its own lease', async () => {
  const { store, report } = await aGrid();
  const verdicts = await Promise.all([report(1, [[0, 1]]), report(2, [[2, 1]])]);
  expect(verdicts).toEqual([['accepted'], ['accepted']]);
  const paid = (await store.readOutbox(0, 0, 9)).flatMap(({ payments }) => payments);
  expect(paid.map(({ accountId, units }) => [accountId, units])).toEqual([
    [accountId(1), [[3, 1]]],
    [accountId(2), [[40, 1]]],
  ]);
  expect(await store.openShardIds(0)).toEqual([shardId(check)]);
});

it('a state that is read anew for one of them leaves the others’ units what they are', async () => {
  const { store, window, report } = await aGrid();
  await report(1, [[0, 1]]);
  window.hold(job, new ShardState(check), 0);
  // The window believes that nothing was recorded, so the commit has to read the journal again.
  await report(2, [[2, 1]]);
  const asker = {
    ...aLease(3, []),
    memoryBytes: 2 ** 40,
    isAlone: true,
    standing: { ...aStanding, passed: 0 },
    hosts: 1,
    capacity: aCapacity(),
  };
  const granted = window.grant(asker, 4, leaseId(9), 0);
  expect(granted?.lease.positions).toEqual([
    [1, 1],
    [3, 1],
  ]);
  expect(granted?.lease.shard).toEqual(check);
  expect((await store.readJournal(check)).length).toBeGreaterThan(0);
});
