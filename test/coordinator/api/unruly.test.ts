/**
 * Hosts that say well-formed things in any order, and lie: they report twice, late, under each other's
 * tokens, with failures and wrong digests; they release, vanish and come back with some of what they
 * had. Whatever they did, each unit ends once, each answer stands, and each success is paid once.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lease } from '../../../protocol/messages.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import { paidUnits } from '../../support/paid-units.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aFailure,
  aSuccess,
  joinVolunteer,
  type Keys,
  newKeys,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const units = 150;
const steps = 360;

/** xorshift32: a seed repeats a run, as far as the network lets it. */
function randomFrom(seed: number) {
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, one: <T>(of: readonly T[]): T | undefined => of[below(of.length)] };
}

class Unruly {
  private readonly keys: Keys = newKeys();
  private readonly sessions: Volunteer[] = [];

  /** Every lease it was ever granted. */
  get leases(): Lease[] {
    return this.sessions
      .flatMap(({ received }) => received)
      .flatMap((message) => (message.type === 'lease' ? message.leases : []));
  }

  get session(): Volunteer {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('it has not joined yet');
    return session;
  }

  async join(presented: Lease[] = []): Promise<void> {
    const leases = presented.map(({ token, units }) => ({ token, units }));
    this.sessions.push(await joinVolunteer(grid.url, { keys: this.keys, hello: { leases } }));
  }

  /** With a word, so that no lease is on its way to it: it would be out until it ends. */
  async leave(): Promise<void> {
    this.session.send({ type: 'bye' });
    await this.session.ended;
  }
}

test.each([1, 2, 3])(
  '[W1] [W3] [C2] whatever hosts say in whatever order (seed %i)',
  async (seed) => {
    const random = randomFrom(seed * 0x9e3779b9);
    const jobIds = [await grid.submit(units), await grid.submit(units)];
    const hosts = [new Unruly(), new Unruly(), new Unruly()];
    for (const host of hosts) await host.join();
    const first = new Map<string, Verdict>();

    async function act(host: Unruly): Promise<void> {
      const { session, leases } = host;
      const lease = random.one(leases);
      const action = random.below(10);
      if (action < 3 || lease === undefined) {
        const want = session.ask(1 + random.below(16));
        const answer = await Promise.race([
          session.next('lease', (message) => message.want === want),
          session.next('noWork', (message) => message.want === want),
        ]);
        // A want that waits ends with its session.
        if (answer.type === 'noWork') await rejoin(host);
      } else if (action < 7) {
        const some = unitsOf(lease).filter(() => random.below(3) > 0);
        if (some.length === 0) return;
        const results = some.map((unit) => aRandomResult(unit));
        const verdicts = await session.report(lease.token, results);
        if ('refused' in verdicts)
          throw new Error(`an own report was refused: ${verdicts.refused}`);
        for (const [i, unit] of some.entries()) {
          const replica = `${lease.leaseId}/${unit}`;
          const verdict = verdicts[i] as Verdict;
          const earlier = first.get(replica) ?? verdict;
          expect([replica, verdict]).toEqual([replica, earlier]);
          first.set(replica, verdict);
        }
      } else if (action === 7) {
        session.release(lease.token, lease.units);
      } else if (action === 8) {
        const other = random.one(hosts.filter((one) => one !== host))?.leases.at(-1);
        if (other === undefined) return;
        session.send({ type: 'progress', leases: [other.leaseId, lease.leaseId] });
        const answer = await session.report(other.token, [aSuccess(unitsOf(other)[0] ?? 0)]);
        expect(answer).toEqual({ refused: 'lease_invalid' });
      } else await rejoin(host);
    }

    const rejoin = async (host: Unruly) => {
      await host.leave();
      await host.join(host.leases.filter(() => random.below(2) === 0).slice(-60));
    };

    const aRandomResult = (unit: number) => {
      const kind = random.below(10);
      if (kind < 6) return aSuccess(unit, { fuel: 1_000_000 * (1 + random.below(1000)) });
      if (kind < 8) return aFailure(unit);
      if (kind < 9) return aFailure(unit, { outcome: 'host_error', fuel: 0 });
      return aSuccess(unit, { digest: new Uint8Array(32) });
    };

    await Promise.all(
      hosts.map(async (host) => {
        for (let step = 0; step < steps / hosts.length; step++) await act(host);
      }),
    );
    for (const host of hosts) {
      await host.leave();
      await host.join(host.leases.slice(-60));
    }
    for (const { session, leases } of hosts) {
      for (const { token, units } of leases) session.release(token, units);
      await session.settled();
      session.cut();
    }
    const honest = await joinVolunteer(grid.url);
    const work = async () => {
      for (;;) await honest.finish(await honest.want(64));
    };
    // Its last want is never answered: the session ends with the test.
    const working = work();
    const isOver = async () => {
      const jobs = await Promise.all(jobIds.map((jobId) => grid.show(jobId)));
      return jobs.every(({ state }) => state === 'complete');
    };
    await Promise.race([working, expect.poll(isOver, { timeout: 20_000 }).toBe(true)]);
    working.catch(() => undefined);

    let canonical = 0;
    for (const jobId of jobIds) {
      const job = await grid.show(jobId);
      const lines = await grid.results(jobId);
      expect(lines.map(({ unit }) => unit)).toEqual(Array.from({ length: units }, (_, i) => i));
      const accepted = lines.filter(({ verdict }) => verdict === 'accepted');
      expect(lines.filter(({ detail }) => detail === undefined)).toEqual(accepted);
      expect(job).toMatchObject({ canonical: accepted.length, failed: units - accepted.length });
      const ofJob = accepted.reduce((sum, { fuel }) => sum + Math.floor(Number(fuel) / 1e6), 0);
      expect(job.creditMicro).toBe(String(ofJob));
      canonical += accepted.length;
    }
    canonicalBefore += canonical;
    const paid = async () => (await paidUnits(grid)).units;
    await expect.poll(paid, { timeout: 10_000 }).toBe(canonicalBefore);
  },
);

/** Of earlier seeds. */
let canonicalBefore = 0;
