/**
 * Volunteers that lie, over real sockets and a real Redis: an anchor checks them, they are found out,
 * their results are put right and their pay is taken back.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { revocationLineSchema, unitCreditSchema } from '../../../protocol/http.ts';
import type { HostResult, Lease } from '../../../protocol/messages.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import { json, type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aSuccess,
  joinVolunteer,
  sha256,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

/** A share of the job each: the liar's is less than what is checked again after its first proof. */
const unitsEach = 20;

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const wrongOutput = encodeOutput({ stdout: Buffer.from('made up'), files: {} });
const lies: [string, Partial<HostResult>][] = [
  ['wrong bytes', { output: wrongOutput, digest: sha256(wrongOutput) }],
  ['wrong fuel', { fuel: 2_000_000_000 }],
];

async function finishWith(host: Volunteer, leases: readonly Lease[], parts: Partial<HostResult>) {
  for (const { token, units } of leases) {
    const results = unitsOf({ units }).map((unit) => aSuccess(unit, parts));
    expect(await host.report(token, results)).toEqual(results.map(() => 'accepted'));
  }
}

/** Takes whatever it is given, until the test is over. */
async function serve(host: Volunteer): Promise<void> {
  for (;;) await host.finish(await host.want(16));
}

test.each(lies)(
  '[C3] [T3] a volunteer that reports %s is found out; the results are right in the end',
  async (_, lie) => {
    const [liar, honest, anchor] = [
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
    ];
    const vouched = await grid.fetch(`/v1/hosts/${anchor.hostId}/vouch`, json({ reason: 'mine' }));
    expect(await vouched.json()).toEqual({ hostId: anchor.hostId, isAnchor: true });
    const jobId = await grid.submit(2 * unitsEach);
    await finishWith(liar, await liar.take(unitsEach), lie);
    await honest.finish(await honest.take(unitsEach));
    const wrongAtFirst = (await grid.results(jobId)).filter((line) => !isRight(line));
    expect(wrongAtFirst).toHaveLength(unitsEach);

    const over = serve(anchor).catch(() => undefined);
    const liarsCredit = async () => {
      const { accountId } = liar.welcome ?? { accountId: '' };
      const rows = await grid.standings();
      return rows.find((row) => row.accountId === accountId)?.creditMicro ?? '0';
    };
    const isPutRight = async () =>
      (await grid.results(jobId)).every(isRight) && (await liarsCredit()) === '0';
    for (let i = 0; i < 200 && !(await isPutRight()); i++) await wait(100);
    expect((await grid.results(jobId)).filter((line) => !isRight(line))).toEqual([]);
    expect(await liarsCredit()).toBe('0');
    const wrong = wrongAtFirst.map(({ unit }) => unit);
    await tellsOfRevocations(jobId, wrong);
    await tellsWhoIsPaid(jobId, wrong[0] ?? 0, liar, anchor);
    // Three proofs and more: it gets no work, while the honest one does.
    anchor.cut();
    await over;
    await grid.submit(4);
    liar.ask(1);
    await honest.finish(await honest.take(1));
    expect(liar.received.filter(({ type }) => type === 'lease')).toHaveLength(
      liar.received.filter(({ type }) => type === 'recorded').length,
    );
    await grid.cancelAll();
  },
);

/** Whoever downloaded the wrong ones is told of each, once, with the right one; and asks on from there. */
async function tellsOfRevocations(jobId: string, wrong: number[]): Promise<void> {
  const ask = async (after: number) => {
    const reply = await grid.fetch(`/v1/jobs/${jobId}/revocations?after=${after}`);
    const lines = (await reply.text()).split('\n').filter((text) => text !== '');
    return lines.map((text) => revocationLineSchema.parse(JSON.parse(text)));
  };
  const all = await ask(0);
  expect(all.map(({ unit }) => unit).sort((a, b) => a - b)).toEqual(wrong);
  expect(all.map(({ revocation }) => revocation)).toEqual(all.map((_, i) => i + 1));
  expect(all.every(isRight)).toBe(true);
  expect(await ask(all.length - 1)).toEqual(all.slice(-1));
  expect(await ask(all.length)).toEqual([]);
  // They may be revoked as well, and until then are being checked.
  const another = { authorization: `Bearer ${await grid.makeToken('read', 'submit')}` };
  const reply = await grid.fetch(`/v1/jobs/${jobId}/revocations`, { headers: another });
  expect([reply.status, await reply.text()]).toEqual([200, '']);
}

/** The unit's credit is that of the one that stands, and says whose it was before. */
async function tellsWhoIsPaid(jobId: string, unit: number, liar: Volunteer, anchor: Volunteer) {
  const ids = ({ hostId, welcome }: Volunteer) => ({ accountId: welcome?.accountId, hostId });
  const reply = await grid.fetch(`/v1/jobs/${jobId}/units/${unit}/credit`);
  expect(unitCreditSchema.parse(await reply.json())).toMatchObject({
    ...{ ...ids(anchor), disproved: ids(liar) },
    ...{ state: 'pending', fuel: '1000000000', creditMicro: '1000' },
  });
}

const isRight = (line: { unit: number; output: unknown; fuel: string }): boolean =>
  line.output === line.unit && line.fuel === '1000000000';
