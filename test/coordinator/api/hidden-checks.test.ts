/**
 * What a host can tell of a check from what it is sent, over real sockets: nothing that is not in ordinary work
 * as well. One that could would be honest in checks, and lie where it is found out less.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jobViewSchema } from '../../../protocol/http.ts';
import type { CoordinatorMessage, HostResult, Lease } from '../../../protocol/messages.ts';
import { json, type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aFailure,
  aSuccess,
  joinVolunteer,
  newKeys,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
beforeEach(async () => {
  grid = await startRealGrid();
});
afterEach(() => grid.stop());

type LeaseMessage = Extract<CoordinatorMessage, { type: 'lease' }>;

/** Of these a newcomer does so many: its first five results are checked. */
const units = 12;
const unitsDone = 5;

/** A first host has done some units of a job, and a second one, an anchor, may check them. */
async function aNewcomersResults(of: number) {
  const jobId = await grid.submit(of);
  const keys = newKeys();
  const second = await joinVolunteer(grid.url, { keys });
  await grid.fetch(`/v1/hosts/${second.hostId}/vouch`, json({}));
  const first = await joinVolunteer(grid.url);
  const done = new Set<number>();
  while (done.size < unitsDone) {
    const leases = await first.want(1);
    for (const unit of leases.flatMap(unitsOf)) done.add(unit);
    await first.finish(leases);
    // Of a host that nobody knows yet nothing is checked: there might be no other.
    while (!/"results":[1-9]/.test(await (await grid.fetch('/v1/hosts')).text())) await wait(20);
  }
  return { jobId, first, second, keys, done };
}

/** The second host has all that the first one has not done, unit by unit, and checks of that as well. */
async function aJobToCheck() {
  const { first, second, keys, done } = await aNewcomersResults(units);
  const others: LeaseMessage[] = [];
  const checks: LeaseMessage[] = [];
  while (others.length < units - unitsDone) {
    const message = await nextLease(second);
    const isCheck = message.leases.flatMap(unitsOf).some((unit) => done.has(unit));
    (isCheck ? checks : others).push(message);
  }
  return { first, second, keys, done, others, checks };
}

/** Waits until there is one, however long. */
async function nextLease(host: Volunteer): Promise<LeaseMessage> {
  const want = host.ask(1);
  return await host.next('lease', (message) => message.want === want);
}

/** All that is in it, but for what differs between any two leases. */
function shapeOf({ want, leases, ...rest }: LeaseMessage) {
  expect(want).toBeGreaterThan(0);
  return {
    ...rest,
    leases: leases.map(({ leaseId, token, units, ...same }) => ({
      ...same,
      leaseId: leaseId.length,
      token: token.length,
      units: units.map(([, count]) => count),
    })),
  };
}

const leaseOf = (message: LeaseMessage | undefined): Lease => {
  const [lease] = message?.leases ?? [];
  if (lease === undefined) throw new Error('a lease message without a lease');
  return lease;
};

test('[T3] a check comes in the same message as any other unit, and is answered the same', async () => {
  const { second: host, others, checks } = await aJobToCheck();
  while (checks.length < 3) checks.push(await nextLease(host));
  // The first of all brings the brief.
  const later = [...checks, ...others].filter(({ jobs }) => jobs.length === 0);
  expect(new Set(later.map((message) => JSON.stringify(shapeOf(message)))).size).toBe(1);

  // Whatever it says of them, it hears the same; also when it says it again.
  const ways: ((unit: number) => HostResult)[] = [
    (unit) => aSuccess(unit),
    (unit) => aFailure(unit),
    (unit) => aFailure(unit, { outcome: 'host_error' }),
  ];
  for (const [i, way] of ways.entries()) {
    const answers = [];
    for (const message of [checks[i], others[i]]) {
      const lease = leaseOf(message);
      const results = unitsOf(lease).map(way);
      answers.push([
        await host.report(lease.token, results),
        await host.report(lease.token, results),
      ]);
    }
    expect(answers[0]).toEqual(answers[1]);
  }
  // A check is paid as the others are.
  const { creditMicro } = await host.next('credited', ({ units }) => units === 2);
  expect(creditMicro).toBe('2000');
});

test('[T3] whoever looks at the job before and after they get a unit sees the same of a check', async () => {
  // So many that some are left, however many of them are out.
  const { jobId, second: host, done } = await aNewcomersResults(4 * units);
  const look = async () => {
    const job = jobViewSchema.parse(await (await fetch(`${grid.url}/v1/jobs/${jobId}`)).json());
    const why = await fetch(`${grid.url}/v1/jobs/${jobId}/why`);
    const { running, waiting } = job;
    expect(await why.json()).toMatchObject({ detail: `${waiting} units wait, ${running} are out` });
    return { running, waiting };
  };
  let before = await look();
  const seen = { checks: 0, others: 0 };
  while (Math.min(seen.checks, seen.others) < 2) {
    // Results are drawn from a moment after they came.
    await wait(100);
    const message = await nextLease(host);
    const isCheck = message.leases.flatMap(unitsOf).some((unit) => done.has(unit));
    seen[isCheck ? 'checks' : 'others']++;
    const after = await look();
    expect(after).toEqual({ running: before.running + 1, waiting: before.waiting - 1 });
    before = after;
  }
});

test('[T3] a check that is the first of its job brings the same brief, and stands as long when it is presented again', async () => {
  const { first, second, keys, done, others } = await aJobToCheck();
  const again = await joinVolunteer(grid.url, { keys });
  const message = await nextLease(again);
  expect(message.leases.flatMap(unitsOf).every((unit) => done.has(unit))).toBe(true);
  const briefs = first.received.flatMap((one) => (one.type === 'lease' ? one.jobs : []));
  expect(message.jobs).toEqual(briefs);

  const leases = [leaseOf(message), leaseOf(others[0])];
  for (const host of [second, again]) host.cut();
  const held = leases.map(({ token, units: all }) => ({ token, units: all }));
  const back = await joinVolunteer(grid.url, { keys, hello: { leases: held } });
  expect(back.welcome?.heldLeases).toEqual(leases.map(({ leaseId }) => leaseId));
});
