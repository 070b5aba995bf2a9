/**
 * Hears what checks have said, case by case, and gathers what follows for the units and for the hosts:
 * further checks, amendments, and whose open results are to be looked at again.
 */
import type { AccountId, HostId, JobId } from '../../../protocol/ids.ts';
import type { JobFacts } from '../job.ts';
import { isAuditAudited } from './audit.ts';
import { isRejection } from './compare.ts';
import type { Reach } from './conviction.ts';
import {
  type Amendment,
  caseName,
  type Place,
  type RecordBook,
  type Told,
  toCase,
  type UnitCase,
} from './docket.ts';
import { judge } from './judge.ts';
import type { WantedCheck } from './orders.ts';
import { recorded } from './reliability.ts';

/** A result as it counts here. */
export type Said = {
  hostId: HostId;
  accountId: AccountId;
  answer: string;
  /** What was paid for it. */
  micro: number;
  place: Place;
};

export class Court {
  readonly wanted: WantedCheck[] = [];
  readonly amendments = new Map<string, Amendment>();
  readonly sweeps = new Map<HostId, Reach>();
  /** Units of which two anchors said different things. */
  readonly incidents: { jobId: JobId; unit: number }[] = [];
  private readonly book: RecordBook;
  private readonly drawOf: (jobId: JobId, hostId: HostId, unit: number) => number;
  private readonly isThirdHere: boolean;
  private readonly now: number;

  /** Without a third account here nobody could audit an audit. */
  constructor(
    book: RecordBook,
    drawOf: (jobId: JobId, hostId: HostId, unit: number) => number,
    isThirdHere: boolean,
    now: number,
  ) {
    this.book = book;
    this.drawOf = drawOf;
    this.isThirdHere = isThirdHere;
    this.now = now;
  }

  /**
   * `accepted` is the result that the unit was accepted with; `said`, what the check brought that was ordered
   * at `since`. When that is nothing, it is still waited for.
   */
  hear(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    accepted: Said | null,
    said: readonly Said[],
    since: number,
  ): void {
    const wantedBefore = this.wanted.length;
    this.hearCase(job, unit, about, accepted, said);
    if (said.length > 0) return;
    for (const check of this.wanted.slice(wantedBefore)) check.since = since;
  }

  private hearCase(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    accepted: Said | null,
    said: readonly Said[],
  ): void {
    const { jobId } = job;
    const [first] = about.testimonies;
    if (first === undefined) {
      this.hearAnew(job, unit, about, said);
      return;
    }
    if (first.place === null && accepted !== null) {
      const { answer, micro, place } = accepted;
      Object.assign(first, { answer, micro, place });
    }
    const before = canonicalOf(about);
    for (const one of said) {
      // One account speaks once.
      if (about.testimonies.some(({ accountId }) => accountId === one.accountId)) continue;
      this.testify(jobId, unit, about, one);
    }
    const last = about.testimonies.at(-1) ?? first;
    const judgement = judge(toCase(about), last.hostId, this.book, this.now);
    about.isOut = judgement.kind === 'check';
    if (judgement.kind === 'check') this.wanted.push({ job, unit, needs: judgement.needs, about });
    else if (judgement.kind === 'incident') this.incidents.push({ jobId, unit });
    else {
      about.canonical = judgement.answer;
      for (const { hostId, reach } of judgement.convicted) this.sweepLater(hostId, reach);
      const wrong = judgement.convicted.map(({ hostId }) => hostId);
      if (isRejection(judgement.answer)) this.reject(job, unit, about, wrong);
      else this.amend(jobId, unit, about, before, wrong);
    }
  }

  /** A verifier has found the result wrong, and there is no other: somebody else computes the unit anew. */
  private reject(job: JobFacts, unit: number, about: UnitCase, wrong: readonly HostId[]): void {
    const { jobId } = job;
    const revoked = revokedOf(about, wrong);
    this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place: null, revoked });
    const gone = about.testimonies.filter(({ hostId }) => wrong.includes(hostId));
    about.rejected = [...(about.rejected ?? []), ...gone];
    Object.assign(about, { testimonies: [], wanted: 1, canonical: '', isOut: true });
    this.wanted.push({ job, unit, needs: 'trusted', about });
  }

  /** The unit was computed anew. Its verifier looks at that as well, unless it is an anchor's. */
  private hearAnew(job: JobFacts, unit: number, about: UnitCase, said: readonly Said[]): void {
    const { jobId } = job;
    const [one] = said;
    if (one === undefined) {
      this.wanted.push({ job, unit, needs: 'trusted', about });
      return;
    }
    this.testify(jobId, unit, about, one);
    about.wanted = this.book.host(one.hostId).isAnchor ? 1 : 2;
    this.amendments.set(amendmentName(jobId, unit, about), {
      jobId,
      unit,
      place: one.place,
      revoked: [],
    });
    const judgement = judge(toCase(about), one.hostId, this.book, this.now);
    about.isOut = judgement.kind === 'check';
    if (judgement.kind === 'check') this.wanted.push({ job, unit, needs: judgement.needs, about });
    else about.canonical = one.answer;
  }

  private testify(jobId: JobId, unit: number, about: UnitCase, said: Said): void {
    const { hostId, ...told } = said;
    const { network, isAnchor } = this.book.host(hostId);
    const { host, account } = this.book.identityOf(hostId);
    this.book.keep(hostId, {
      isAnchor,
      host: recorded(host, 1, this.now),
      account: recorded(account, 1, this.now),
    });
    // An audit is drawn as well, but an anchor's; what is beyond the audit of an audit is not.
    const isFirstAudit = about.wanted === 2 && about.testimonies.length === 1 && !isAnchor;
    if (isFirstAudit && this.isThirdHere && isAuditAudited(this.drawOf(jobId, hostId, unit)))
      about.wanted = 3;
    about.testimonies.push({ hostId, network, isAnchor, status: 'heard', ...told });
  }

  /** The wider reach of two. */
  private sweepLater(hostId: HostId, reach: Reach): void {
    const order: Reach[] = ['unconfirmed', 'sample', 'host', 'account'];
    const known = this.sweeps.get(hostId) ?? 'sample';
    this.sweeps.set(hostId, order.indexOf(known) > order.indexOf(reach) ? known : reach);
  }

  private amend(
    jobId: JobId,
    unit: number,
    about: UnitCase,
    before: string,
    wrong: readonly HostId[],
  ): void {
    const right = about.testimonies.find(({ answer }) => answer === about.canonical);
    const isMoved = about.canonical !== before;
    if (!isMoved && wrong.length === 0) return;
    const place = isMoved ? (right?.place ?? null) : null;
    const revoked = revokedOf(about, wrong);
    this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place, revoked });
  }
}

const revokedOf = ({ testimonies }: UnitCase, wrong: readonly HostId[]): Amendment['revoked'] =>
  testimonies
    .filter(({ hostId, status }) => status === 'wrong' && wrong.includes(hostId))
    .map(({ hostId, accountId, micro }) => ({ hostId, accountId, micro }));

/** With as many as have testified by now, and were rejected: a later judgement of this case has another name. */
const amendmentName = (jobId: JobId, unit: number, about: UnitCase): string =>
  `${caseName(jobId, unit)} ${about.rejected?.length ?? 0}.${about.testimonies.length}`;

/** The answer that scientists get now: as it was last settled, or else what came first. */
const canonicalOf = ({ canonical, testimonies }: { canonical: string; testimonies: Told[] }) =>
  canonical === '' ? (testimonies[0]?.answer ?? '') : canonical;
