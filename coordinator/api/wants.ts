/**
 * What one host asks for. A want is served at once, or told why not and kept, and then served the moment
 * units are free, first come first served. The first lease of a job brings the job's brief.
 */
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, Digest, JobId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { CoordinatorMessage, JobBrief } from '../../protocol/messages.ts';
import type { Asker } from '../domain/asker.ts';
import type { JobFacts } from '../domain/job.ts';
import { runsSize } from '../domain/shard.ts';
import { strainedAgainMs } from '../domain/strain.ts';
import type { Refusal } from '../domain/why.ts';
import type { Context } from '../flow/context.ts';
import { askAgainMs, grantUnits, sendsRule, whyNothing } from '../flow/grant.ts';

/** What a want is served by, and looks at: all who are connected. */
export type GrantParts = {
  context: Context;
  /** Hosts connected, this one included. */
  hosts(): number;
  /** Whether no other account's host is connected. */
  isAlone(accountId: AccountId): boolean;
  granted(leases: number, units: number): void;
  /** No free units were found: the window should be fed. */
  starved(): void;
  /** Why nothing is granted at all: the coordinator is leaving, cannot store results, or has too much to do. */
  refusal(): Refusal | null;
  /** A want was sent away for that. */
  refused(reason: Refusal): void;
};

/** For whoever comes while nothing is granted at all: a coordinator that leaves is back in seconds. */
const refusedRetryMs = 2000;

export class Wants {
  private readonly asker: Asker;
  private readonly parts: GrantParts;
  private readonly send: (message: CoordinatorMessage) => void;
  private readonly kept: { id: number; units: number }[] = [];
  private readonly briefed = new Set<JobId>();

  constructor(asker: Asker, parts: GrantParts, send: (message: CoordinatorMessage) => void) {
    this.asker = asker;
    this.parts = parts;
    this.send = send;
  }

  /** Whether some are kept. */
  get areWaiting(): boolean {
    return this.kept.length > 0;
  }

  /** Throws GridError `out_of_order` when the host has asked too often without an answer. */
  add(id: number, units: number): void {
    if (this.kept.length >= limits.wantsWaitingMax) {
      throw new GridError('out_of_order', 'Too many wants are waiting.');
    }
    if (this.serve(id, units)) return;
    const refusal = this.parts.refusal();
    const { context } = this.parts;
    if (refusal !== null) {
      const [chance = 0] = context.randomBytes(1);
      const againMs = refusal === 'strained' ? strainedAgainMs(chance / 256) : refusedRetryMs;
      this.send({ type: 'noWork', want: id, reason: refusal, retryAfterMs: againMs });
      this.parts.refused(refusal);
      return;
    }
    const reason = whyNothing(context, this.asker);
    const retryAfterMs = askAgainMs(reason, this.asker, context.now());
    this.send({ type: 'noWork', want: id, reason, retryAfterMs });
    if (retryAfterMs !== null) return;
    this.kept.push({ id, units });
    if (reason !== 'enough_in_hand') this.parts.starved();
  }

  serveKept(): void {
    while (this.kept[0] !== undefined) {
      const { id, units } = this.kept[0];
      if (!this.serve(id, units)) return;
      this.kept.shift();
    }
  }

  private serve(id: number, units: number): boolean {
    const { context, hosts, isAlone, granted, refusal } = this.parts;
    if (refusal() !== null) return false;
    const { asker } = this;
    asker.isAlone = isAlone(asker.accountId);
    asker.hosts = hosts();
    const grants = grantUnits(context, asker, units);
    if (grants.length === 0) return false;
    const news: JobBrief[] = [];
    let count = 0;
    for (const { lease, job, verify } of grants) {
      count += runsSize(lease.units);
      if (verify !== null) news.push(verificationBrief(job, lease.jobId, verify));
      else if (!this.briefed.has(job.jobId)) {
        this.briefed.add(job.jobId);
        news.push(brief(job));
      }
    }
    this.send({ type: 'lease', want: id, leases: grants.map(({ lease }) => lease), jobs: news });
    granted(grants.length, count);
    return true;
  }
}

/** The verifier is given what the kernel was, and on stdin what the kernel printed. */
function verificationBrief(job: JobFacts, jobId: JobId, verify: Digest): JobBrief {
  if (job.verifier === undefined) throw new Error(`job ${job.jobId} has no verifier`);
  return {
    ...brief(job),
    jobId,
    kernel: job.verifier.meteredDigest,
    kernelBytes: job.verifier.meteredBytes,
    migratable: false,
    run: { ...job.document.run, stdin: verify, outputs: [] },
  };
}

function brief(job: JobFacts): JobBrief {
  return {
    jobId: job.jobId,
    // Whoever computes it sees what computing takes, and its name is no part of that.
    name: job.document.public ? job.document.name : 'a private job',
    kernel: job.kernel.meteredDigest,
    kernelBytes: job.kernel.meteredBytes,
    migratable: job.document.migratable,
    run: job.document.run,
    limits: job.document.limits,
    units: sendsRule(job) ? job.document.units : null,
  };
}
