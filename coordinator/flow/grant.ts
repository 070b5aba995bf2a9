/**
 * grant: a host that asks gets leases on some units. From memory, at once: the token proves the
 * lease, and its journal entry rides with the next commit.
 */
import { createHash } from 'node:crypto';
import { type Digest, idFromBytes, type JobId } from '../../protocol/ids.ts';
import type { Lease, UnitRuns } from '../../protocol/messages.ts';
import { unitParams } from '../../protocol/unit-rule.ts';
import type { Asker, KnownAsker } from '../domain/asker.ts';
import type { NoUnits } from '../domain/grants.ts';
import type { JobFacts } from '../domain/job.ts';
import { type LeaseFacts, leaseDurationMs } from '../domain/lease.ts';
import { fromRuns, runsSize } from '../domain/shard.ts';
import { unitsAt } from '../domain/unit-runs.ts';
import type { Context } from './context.ts';

/** A message with more leases than this says more about bookkeeping than about work. */
const leasesPerMessageMax = 16;
/** A rule longer than this is not sent to hosts; their leases carry the parameters instead. */
export const ruleBytesMax = 4096;

/** A quarantine takes a day at least, and may be lifted: to ask six times an hour costs nobody anything. */
const quarantinedAskMs = 600_000;

/** `isAtEnd`: of this job it gets no more now, so that others get their part. */
export type Grant = {
  lease: Lease;
  job: JobFacts;
  isAtEnd: boolean;
  /** What the job's verifier is to look at; null when the kernel is to be run. */
  verify: Digest | null;
};

/** Grants up to `units` units. Empty when the window has nothing for this host. */
export function grantUnits(context: Context, host: Asker, units: number): Grant[] {
  const now = context.now();
  const asker = asKnown(context, host, now);
  const first = grantOne(context, asker, units, now);
  if (first === null) return [];
  const grants = [first];
  let left = units - runsSize(first.lease.units);
  let isAtEnd = first.isAtEnd;
  while (left > 0 && !isAtEnd && grants.length < leasesPerMessageMax) {
    const next = grantOne(context, asker, left, now);
    if (next === null) break;
    left -= runsSize(next.lease.units);
    isAtEnd = next.isAtEnd;
    grants.push(next);
  }
  return grants;
}

function grantOne(context: Context, asker: KnownAsker, units: number, now: number): Grant | null {
  const leaseId = idFromBytes('l', context.randomBytes(10));
  const granted = context.window.grant(asker, units, leaseId, now);
  if (granted === null) return null;
  const { lease, job, isAtEnd } = granted;
  const { shard, hostId, accountId, positions } = lease;
  context.recorder.note(shard, { kind: 'leased', leaseId, hostId, accountId, positions });
  const wire = toWire(context, lease, job);
  const verify = shard.check?.verify?.[positions[0]?.[0] ?? 0] ?? null;
  if (verify !== null) wire.jobId = verificationId(job.jobId, wire.units, verify);
  return { lease: wire, job, isAtEnd, verify };
}

/** The new field first: to add one to what was spread takes V8 a microsecond, and there is a want for each lease. */
const asKnown = ({ knownHosts }: Context, host: Asker, now: number): KnownAsker => ({
  standing: knownHosts.standingOf(host.hostId, now),
  ...host,
});

/** Why there is nothing for the host. */
export function whyNothing(context: Context, host: Asker): NoUnits {
  const now = context.now();
  const asker = asKnown(context, host, now);
  return context.window.whyNothing(asker, now) ?? 'nothing_left';
}

/** When a host may ask again; null when its want is kept, and served as soon as it can be. */
export function askAgainMs(reason: NoUnits, { capacity }: Asker, now: number): number | null {
  if (reason === 'quarantined') return quarantinedAskMs;
  return reason === 'backing_off' ? capacity.quota.restMs(now) : null;
}

/** Whether hosts can work a unit's parameters out from the rule itself. */
export function sendsRule(job: JobFacts): boolean {
  const known = rulesSent.get(job);
  if (known !== undefined) return known;
  const sends = JSON.stringify(job.document.units).length <= ruleBytesMax;
  rulesSent.set(job, sends);
  return sends;
}
/** A rule may be megabytes: its length is taken once. */
const rulesSent = new WeakMap<JobFacts, boolean>();

/** To its host a verification is a job of one unit: another kernel, with an input of its own. */
function verificationId(jobId: JobId, units: UnitRuns, verify: Digest): JobId {
  const name = `manyhands.verification\0${jobId}\0${units[0]?.[0]}\0${verify}`;
  return idFromBytes('j', createHash('sha256').update(name).digest());
}

function toWire(context: Context, facts: LeaseFacts, job: JobFacts): Lease {
  const units = unitsAt(facts.shard.units, facts.positions);
  return {
    leaseId: facts.leaseId,
    token: context.leaseTokens.seal(facts),
    jobId: job.jobId,
    units,
    params: sendsRule(job)
      ? null
      : [...fromRuns(units)].map((unit) => unitParams(job.document.units, unit)),
    expiresInMs: leaseDurationMs,
  };
}
