/** What every store promises of coordinators that work on one shard at once: one of them wins, each time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { creditMicro } from '../../../coordinator/domain/credit.ts';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { runsSize, type Shard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import { aJob, aLease, append } from '../builders.ts';
import { anyReport, endWith, type Report } from '../domain/arbitrary.ts';
import { jobIdIn, type OpenStore, submitted, withStore } from './arrange.ts';

const shardUnits = 6;

/** Records reports as a coordinator does: decide upon the journal as known, append, and again if stale. */
async function coordinate(store: Store, shard: Shard, reports: readonly Report[]): Promise<void> {
  let state = new ShardState(shard);
  for (const { lease, account, ends } of reports) {
    const results = ends.map(([at, end]) => endWith(end, at));
    for (let kind = 'stale'; kind === 'stale'; ) {
      const expectedLength = state.length;
      const recording = recordResults(state, aLease(lease, [[0, shardUnits]], account), results);
      const bytes = append(state, recording.entries);
      if (bytes.length === 0) break;
      const { canonical, failed, fuel } = recording;
      const { isClosed: closes } = state;
      const pay =
        recording.pay === null
          ? []
          : [{ kind: 'grant', ...recording.pay, units: recording.pay.positions } as const];
      const creditMicro = recording.pay?.micro ?? 0;
      const written = {
        shard,
        expectedLength,
        bytes,
        closes,
        canonical,
        failed,
        fuel,
        creditMicro,
        pay,
      };
      const [reply] = await store.append(0, [written], 1);
      kind = reply?.kind ?? 'none';
      if (kind !== 'written') state = ShardState.replay(shard, await store.readJournal(shard));
    }
  }
}

export function raceContract(open: OpenStore): void {
  it('[C2] coordinators that race for the same units have each unit counted and paid once', async () => {
    const reports = fc.array(anyReport(shardUnits, 8), {
      minLength: 1,
      maxLength: 10,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(fc.array(reports, { minLength: 2, maxLength: 3 }), async (coordinators) => {
        await withStore(open, async (store) => {
          const job = aJob({ jobId: jobIdIn(0), units: shardUnits, unitsPerShard: shardUnits });
          const [shard] = (await submitted(store, job)) as [Shard];
          await Promise.all(coordinators.map((own) => coordinate(store, shard, own)));

          const state = ShardState.replay(shard, await store.readJournal(shard));
          const all = Array.from({ length: shardUnits }, (_, at) => state.unit(at));
          const ends = all.flatMap((unit) =>
            unit.status === 'accepted'
              ? unit.ends.filter(({ leaseId }) => leaseId === unit.canonical)
              : [],
          );
          const micro = ends.reduce((sum, { fuel }) => sum + creditMicro(fuel), 0);
          const payments = (await store.readOutbox(0, 0, 99)).flatMap((record) => record.payments);
          expect(payments.reduce((sum, p) => sum + runsSize(p.units), 0)).toBe(ends.length);
          expect(payments.reduce((sum, p) => sum + p.micro, 0)).toBe(micro);
          expect(await store.jobs.read(job.jobId)).toMatchObject({
            decidedAt: state.isClosed ? expect.any(Number) : null,
            counts: {
              canonical: ends.length,
              failed: all.filter(({ status }) => status === 'failed').length,
              creditMicro: BigInt(micro),
            },
          });
        })();
      }),
      { numRuns: 15 },
    );
  });
}
