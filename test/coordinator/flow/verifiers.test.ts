/**
 * Jobs with a verifier, from the first result to the verdict, over the store in memory. The verifier is its
 * scientist's, and may refuse what the kernel does say: that it says no convicts nobody.
 */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordedResult } from '../../../coordinator/domain/journal.ts';
import { LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import { isCheck, type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { isRejection } from '../../../coordinator/domain/trust/compare.ts';
import { caseName } from '../../../coordinator/domain/trust/docket.ts';
import { replicasMax } from '../../../coordinator/domain/unit.ts';
import { applyAmendments } from '../../../coordinator/flow/amend.ts';
import { award } from '../../../coordinator/flow/award.ts';
import { drawAudits } from '../../../coordinator/flow/draw-audits.ts';
import { hearChecks } from '../../../coordinator/flow/hear-checks/hear-checks.ts';
import { knowHost } from '../../../coordinator/flow/know-host.ts';
import { sweepConvicted } from '../../../coordinator/flow/sweep.ts';
import { vouch } from '../../../coordinator/flow/vouch.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { accountId, aJob, aResult, hostId } from '../builders.ts';
import { reportTo } from './report-to.ts';
import { aTrustContext, operator, type TrustContext } from './trust-context.ts';

const verifier = `sha256:${'1'.repeat(64)}`;
const job = aJob({ units: 1, unitsPerShard: 1, document: { trust: 'A2', compare: { verifier } } });
const [first, honest, other, anchor] = [1, 2, 3, 4] as const;
const right = aResult(0, { fuel: 3_000_000, output: Buffer.from('right') });
const another = aResult(0, { fuel: 5_000_000, output: Buffer.from('another') });
const yes = aResult(0, { fuel: 2_000_000 });
const no = aResult(0, { outcome: 'kernel_exit', exitCode: 1, output: null });

let store: MemoryStore;
let context: TrustContext;

beforeEach(async () => {
  store = new MemoryStore();
  context = await aTrustContext(store, job);
  await store.jobs.submit(job, true);
  await store.openShard(job, splitShard(job, 0));
  for (const host of [first, honest, other, anchor]) {
    const ids = { hostId: hostId(host), accountId: accountId(host) };
    await knowHost(context, ids, { network: `n${host}`, runtime: '1', threads: 1 });
  }
  await vouch(context, operator, hostId(anchor), true, 'mine');
});

async function settle(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await drawAudits(context, 0);
    await hearChecks(context, 0);
    await applyAmendments(context, 0);
    await sweepConvicted({ ...context, randomBytes: (count) => new Uint8Array(count) });
  }
  await award(context, 0);
}
async function check(): Promise<Shard> {
  const [found] = (await store.openShards(0)).filter(isCheck);
  if (found === undefined) throw new Error('nothing is checked');
  return found;
}
async function says(host: number, result: RecordedResult): Promise<void> {
  await reportTo(store, await check(), host, [result]);
  await settle();
}
const compute = async (host: number, result: RecordedResult) => {
  await reportTo(store, splitShard(job, 0), host, [result]);
  await settle();
};
const isToVerify = async () => (await check()).check?.verify !== undefined;
const wrong = async (host: number) =>
  (await store.trust.read('hosts', [hostId(host)])).get(hostId(host))?.record.wrong;
const earned = async (host: number) =>
  (await store.ledger.standing('volunteer', accountId(host)))?.creditMicro ?? 0n;
const canonicalHost = async () => (await store.readAmendments(job.jobId)).get(0)?.hostId;
const isOver = async () => (await store.openShards(0)).length === 0;

/** The first result is refused, by a host and by an anchor. */
async function refused(): Promise<void> {
  await compute(first, right);
  expect(await isToVerify()).toBe(true);
  await says(honest, no);
  await says(anchor, no);
  expect(await isToVerify()).toBe(false);
  expect((await check()).check?.needs).toBe('anchor');
}

describe('what a verifier refuses', () => {
  it('is computed anew by an anchor, who proves wrong whoever said something else', async () => {
    await refused();
    expect([await wrong(first), await earned(first)]).toEqual([0, 3n]);
    await says(anchor, another);
    expect(await canonicalHost()).toBe(hostId(anchor));
    expect([await wrong(first), await earned(first), await earned(anchor)]).toEqual([1, 0n, 5n]);
    expect(await isOver()).toBe(true);
  });

  it('[C5] stays, and is paid, when an anchor says the same: then the verifier is wrong', async () => {
    await refused();
    await says(anchor, right);
    expect(await canonicalHost()).toBe(hostId(first));
    for (const host of [first, honest, anchor]) expect(await wrong(host)).toBe(0);
    expect([await earned(first), await earned(anchor)]).toEqual([3n, 3n]);
    expect(await isOver()).toBe(true);
  });

  // A scientist who colludes with a volunteer could else have every honest host of a grid put out of work.
  it('[T2] is no proof against its host when the verifier likes another’s result better', async () => {
    await refused();
    await says(other, another);
    expect(await isToVerify()).toBe(true);
    await says(honest, yes);
    expect(await canonicalHost()).toBe(hostId(other));
    expect([await wrong(first), await earned(first), await earned(other)]).toEqual([0, 0n, 5n]);
    expect(await isOver()).toBe(true);
  });

  it('is what the kernel says when three accounts have found it, also without an anchor', async () => {
    await refused();
    await says(other, right);
    expect(await isToVerify()).toBe(false);
    await says(honest, right);
    expect(await canonicalHost()).toBe(hostId(first));
    for (const host of [first, honest, other]) expect(await wrong(host)).toBe(0);
    expect(await isOver()).toBe(true);
  });
});

it('[C2] who has looked at a result is paid for that, which is not for the unit', async () => {
  await compute(first, another);
  await says(honest, yes);
  const payments = (await store.readOutbox(0, 0, 9)).flatMap((record) => record.payments);
  expect(payments.map(({ micro, isVerdict }) => [micro, isVerdict ?? false])).toEqual([
    [5, false],
    [2, true],
  ]);
  const replay = new LedgerReplay();
  for (const { line } of await store.ledger.readEntries(0, 9))
    replay.add(JSON.parse(line), createHash('sha256').update(line).digest('hex'));
  expect([replay.units, await earned(honest)]).toEqual([1, 2n]);
});

// It would be run for ever, and paid to nobody.
it('[W8] a verifier that never ends has said no when eight tries have come to nothing', async () => {
  await compute(first, right);
  const unended = aResult(0, { outcome: 'time_exceeded', exitCode: null, output: null });
  const order = await check();
  for (let i = 0; i < replicasMax; i++) await reportTo(store, order, honest, [unended]);
  await settle();
  const name = caseName(job.jobId, 0);
  const about = (await store.trust.read('cases', [name])).get(name);
  expect(about?.testimonies.map(({ answer }) => isRejection(answer))).toEqual([false, true]);
  expect((await check()).check?.needs).toBe('anchor');
});

// Nobody confirms what a verdict has burned: whoever is granted one could else name their own pay.
it('[C2] who has looked at a result is paid no more than who made it, and loses no more', async () => {
  await compute(first, another);
  await says(honest, { ...yes, fuel: 9e15 });
  expect([await earned(first), await earned(honest)]).toEqual([5n, 5n]);
  const about = (await store.trust.read('cases', [caseName(job.jobId, 0)])).get(
    caseName(job.jobId, 0),
  );
  expect(about?.testimonies.map(({ micro }) => micro)).toEqual([5, 5]);
});
