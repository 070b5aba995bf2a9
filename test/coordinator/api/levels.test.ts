/**
 * What a scientist buys with `trust` and `compare`, over real sockets: volunteers that lie, and what of it is
 * left in the results.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ResultLine, Submitted } from '../../../protocol/http.ts';
import type { HostResult } from '../../../protocol/messages.ts';
import { encodeOutput } from '../../../protocol/output.ts';
import type { WhyView } from '../../../protocol/why.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';
import {
  aFailure,
  aSuccess,
  joinVolunteer,
  newKeys,
  sha256,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

// Each test has a grid of its own: who is there, and what they have done, is what it is about.
let grid: RealGrid;
beforeEach(async () => {
  grid = await startRealGrid();
});
afterEach(() => grid.stop());

type Computes = (unit: number) => HostResult;
const printed = (unit: number, text: string): HostResult => {
  const output = encodeOutput({ stdout: Buffer.from(text), files: {} });
  return aSuccess(unit, { output, digest: sha256(output) });
};

/** Computes whatever it is given, until the test is over. */
async function serve(host: Volunteer, computes: Computes): Promise<void> {
  for (;;) {
    for (const lease of await host.want(16)) {
      await host.report(lease.token, unitsOf(lease).map(computes));
    }
  }
}
const start = (host: Volunteer, computes: Computes) => void serve(host, computes).catch(() => {});

const vouch = (host: Volunteer) => grid.fetch(`/v1/hosts/${host.hostId}/vouch`, json({}));

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(50);
}
const verdicts = async (jobId: string) =>
  (await grid.results(jobId)).map(({ verdict }) => verdict as string);
const known = async (host: Volunteer) => {
  const reply = (await (await grid.fetch('/v1/hosts')).json()) as {
    hosts: { hostId: string; passed: number; wrong: number }[];
  };
  return reply.hosts.find(({ hostId }) => hostId === host.hostId);
};

test('in a young grid two strangers check each other at once', async () => {
  const hosts = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  await grid.submit(64);
  for (const host of hosts) start(host, aSuccess);
  await until(async () => {
    const passed = await Promise.all(hosts.map(known));
    return passed.every((one) => (one?.passed ?? 0) >= 5);
  });
});

test('[C3] of a household of one account all is checked by the operator’s anchor, at once', async () => {
  const [host, anchor] = [await joinVolunteer(grid.url), await joinVolunteer(grid.url)];
  await vouch(anchor);
  await grid.submit(16);
  const lies: Computes = (unit) => (unit === 3 ? printed(unit, 'made up') : aSuccess(unit));
  for (const lease of await host.take(16)) await host.report(lease.token, unitsOf(lease).map(lies));
  start(anchor, aSuccess);
  await until(async () => ((await known(host))?.wrong ?? 0) > 0);
});

describe('A2', () => {
  test('[C3] has every result checked: it is pending until then, and a single lie is found', async () => {
    const [liar, honest, anchor] = [
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
    ];
    await vouch(anchor);
    const jobId = await grid.submit(40, { trust: 'A2' });
    // Long after its probation, one lie.
    const lies: Computes = (unit) => (unit === 29 ? printed(unit, 'made up') : aSuccess(unit));
    const [ofLiar, ofHonest] = [await liar.take(30), await honest.take(10)];
    // Both have theirs by now: whoever asked later might be given a check of the other's.
    for (const lease of ofLiar) await liar.report(lease.token, unitsOf(lease).map(lies));
    await honest.finish(ofHonest);
    await until(async () => (await verdicts(jobId)).every((verdict) => verdict === 'pending'));
    start(anchor, aSuccess);
    await until(async () => (await verdicts(jobId)).every((verdict) => verdict === 'accepted'));
    expect((await grid.results(jobId)).map(({ output }) => output)).toEqual(
      Array.from({ length: 40 }, (_, unit) => unit),
    );
    expect(await known(liar)).toMatchObject({ wrong: 1 });
    expect(await known(honest)).toMatchObject({ wrong: 0, passed: 10 });
  });
});

describe('A3', () => {
  const neighbours = (count: number, network: string) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        joinVolunteer(grid.url, { address: `${network}.${i + 1}` }),
      ),
    );

  const whyOf = async (path: string): Promise<string> => {
    const reply = await grid.fetch(`/v1/jobs/${path}/why`);
    return ((await reply.json()) as WhyView).reason;
  };
  const submitA3 = async (units: number): Promise<Submitted> => {
    const document = { name: 'x', kernel: grid.kernel, units: { range: { count: units } } };
    return (await (
      await grid.fetch('/v1/jobs', json({ ...document, trust: 'A3' }))
    ).json()) as Submitted;
  };

  test('[T4] says at submission and by why what is missing: an anchor, then networks; private addresses are none', async () => {
    const alone = await submitA3(2);
    expect(alone.notice).toMatch(/^At A3 an anchor has to say the same, and none is here/);
    const [first, second, anchor] = await Promise.all([1, 2, 3].map(() => joinVolunteer(grid.url)));
    if (!first || !second || !anchor) throw new Error('three have joined');
    for (const lease of await first.take(2)) await first.finish([lease]);
    const { jobId } = alone;
    await until(async () => (await whyOf(jobId)) === 'no_anchor');
    expect(await whyOf(`${jobId}/units/0`)).toBe('no_anchor');

    await vouch(anchor);
    for (const host of [second, anchor]) start(host, aSuccess);
    await until(async () => (await whyOf(jobId)) === 'few_networks');
    const more = await submitA3(2);
    expect(more.notice).toMatch(/^At A3 three accounts on three networks have to say the same/);
    // Three accounts, and for all that anybody can tell one person's.
    expect(await verdicts(jobId)).toEqual(['pending', 'pending']);

    // The anchor is near the coordinator, and that is a network too: two more are enough.
    const elsewhere = [
      ...(await neighbours(1, '198.51.100')),
      ...(await neighbours(1, '203.0.113')),
    ];
    for (const host of elsewhere) start(host, aSuccess);
    const all = await submitA3(2);
    await until(async () =>
      (await Promise.all([more, all].map((job) => verdicts(job.jobId))))
        .flat()
        .every((verdict) => verdict === 'accepted'),
    );
    expect((await submitA3(1)).notice).toBeUndefined();
  });

  test('[W1] [W4] fails a unit when two accounts saw its kernel fail, and not before', async () => {
    const [first, again, other] = [
      await joinVolunteer(grid.url, { address: '203.0.113.1' }),
      await joinVolunteer(grid.url, { address: '198.51.100.1' }),
      await joinVolunteer(grid.url, { address: '192.0.2.1' }),
    ];
    const { jobId } = await submitA3(1);
    const failAs = async (host: Volunteer) => {
      for (const lease of await host.take(1)) await host.report(lease.token, [aFailure(0)]);
    };
    await failAs(first);
    expect(await grid.show(jobId)).toMatchObject({ failed: 0, canonical: 0 });
    const sameAccount = await joinVolunteer(grid.url, {
      keys: newKeys(first.keys.account),
      address: '198.51.100.2',
    });
    sameAccount.ask(1);
    await failAs(again);
    expect(await grid.show(jobId)).toMatchObject({ failed: 1 });
    expect(sameAccount.received.filter(({ type }) => type === 'lease')).toEqual([]);
    other.cut();
  });

  test('[C3] [T4] believes no crowd of one network, nor any crowd without an anchor', async () => {
    const [crowd, anchor] = [await neighbours(3, '203.0.113'), await neighbours(1, '192.0.2')];
    const together = (unit: number) => printed(unit, 'agreed upon');
    const jobId = await grid.submit(4, { trust: 'A3' });
    const [first, ...others] = crowd;
    if (first === undefined || anchor[0] === undefined) throw new Error('they have joined');
    for (const lease of await first.take(4))
      await first.report(lease.token, unitsOf(lease).map(together));
    for (const host of others) start(host, together);
    const elsewhere = await neighbours(1, '198.51.100');
    for (const host of elsewhere) start(host, together);
    // Two accounts on two networks have said the same; that is all that ever comes of it.
    await until(
      async () =>
        ((await (await grid.fetch('/v1/hosts')).text()).match(/"results":4/g) ?? []).length >= 1,
    );
    await wait(1500);
    expect(await verdicts(jobId)).toEqual(Array(4).fill('pending'));
    await vouch(anchor[0]);
    start(anchor[0], aSuccess);
    await until(async () => (await grid.results(jobId)).every(({ output }, i) => output === i));
    expect(await known(first)).toMatchObject({ wrong: 4 });
  });

  test('accepts what three accounts on three networks say, one of them an anchor', async () => {
    const hosts = [
      ...(await neighbours(1, '203.0.113')),
      ...(await neighbours(1, '198.51.100')),
      ...(await neighbours(1, '192.0.2')),
    ];
    if (hosts[2] !== undefined) await vouch(hosts[2]);
    const jobId = await grid.submit(8, { trust: 'A3' });
    for (const host of hosts) start(host, aSuccess);
    await until(async () => {
      const counts = await Promise.all(hosts.map(known));
      return counts.every((one) => one?.passed === 8 && one.wrong === 0);
    });
    expect(await verdicts(jobId)).toEqual(Array(8).fill('accepted'));
  });
});

describe('a verifier', () => {
  /** A host that knows, as a worker does, what a lease is about: units to compute, or a result to look at. */
  async function serveBoth(
    host: Volunteer,
    computes: Computes,
    approves: (unit: number, stdout: string) => boolean,
  ): Promise<void> {
    for (;;) {
      for (const lease of await host.want(4)) {
        const briefs = host.received.flatMap((m) => (m.type === 'lease' ? m.jobs : []));
        const stdin = briefs.find(({ jobId }) => jobId === lease.jobId)?.run.stdin ?? null;
        const results: HostResult[] = [];
        for (const unit of unitsOf(lease)) {
          if (stdin === null) results.push(computes(unit));
          else {
            const printed = await (await fetch(`${grid.url}/v1/artifacts/${stdin}`)).text();
            const isRight = approves(unit, printed);
            const refusal = { outcome: 'kernel_exit', exitCode: 1, fuel: 7 } as const;
            results.push(isRight ? printedNothing(unit) : aFailure(unit, refusal));
          }
        }
        await host.report(lease.token, results);
      }
    }
  }
  const printedNothing = (unit: number) => printed(unit, '');
  const isRight = (unit: number, stdout: string) => stdout === `${unit}`;

  test('[C3] is run on results by other hosts; what it rejects is computed anew, by somebody else', async () => {
    const hosts = await Promise.all([1, 2, 3, 4].map(() => joinVolunteer(grid.url)));
    const [liar, honest, another, anchor] = hosts;
    if (!liar || !honest || !another || !anchor) throw new Error('four have joined');
    await vouch(anchor);
    const compare = { verifier: grid.kernel };
    const jobId = await grid.submit(24, { trust: 'A2', compare });
    const lies: Computes = (unit) => printed(unit, unit % 2 === 0 ? 'made up' : `${unit}`);
    for (const lease of await liar.take(12)) {
      await liar.report(lease.token, unitsOf(lease).map(lies));
    }
    await honest.finish(await honest.take(12));
    for (const host of [another, anchor]) void serveBoth(host, aSuccess, isRight).catch(() => {});
    await until(async () => {
      const lines = await grid.results(jobId);
      return lines.every(({ output, unit, verdict }) => output === unit && verdict === 'accepted');
    });
    await until(async () => ((await known(honest))?.passed ?? 0) === 12);
    expect(await known(honest)).toMatchObject({ wrong: 0 });
    expect((await known(liar))?.wrong).toBe(6);
    expect(await known(anchor)).toMatchObject({ wrong: 0 });
    expect(await known(another)).toMatchObject({ wrong: 0 });
  });

  test('that is no kernel is refused with the job', async () => {
    const verifier = `sha256:${'0'.repeat(64)}`;
    const document = { name: 'x', kernel: grid.kernel, units: { range: { count: 1 } } };
    const reply = await grid.fetch('/v1/jobs', json({ ...document, compare: { verifier } }));
    expect(await refusal(reply)).toMatchObject({ status: 404, code: 'artifact_unknown' });
  });
});

describe('a tolerance', () => {
  test('[C3] forgives last digits, and finds those who make numbers up', async () => {
    const [liar, honest, anchor] = [
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
      await joinVolunteer(grid.url),
    ];
    await vouch(anchor);
    const energy = (of: number): Computes => {
      return (unit) => printed(unit, JSON.stringify({ unit, energy: (unit + 1) * of }));
    };
    const compare = { tolerance: { energy: { relative: 1e-6 } } };
    const jobId = await grid.submit(40, { compare });
    for (const lease of await liar.take(20))
      await liar.report(lease.token, unitsOf(lease).map(energy(1.5)));
    for (const lease of await honest.take(20))
      await honest.report(lease.token, unitsOf(lease).map(energy(1 + 1e-9)));
    start(anchor, energy(1 - 1e-9));
    const isRight = ({ unit, output }: ResultLine) =>
      Math.abs((output as { energy: number }).energy - unit - 1) < 1e-6;
    await until(async () => (await grid.results(jobId)).every(isRight));
    expect((await known(liar))?.wrong).toBeGreaterThanOrEqual(5);
    await until(async () => ((await known(honest))?.passed ?? 0) >= 5);
    expect(await known(honest)).toMatchObject({ wrong: 0 });
  });
});
