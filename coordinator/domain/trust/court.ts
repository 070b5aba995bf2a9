/**
 * Hears what checks have said, case by case, and gathers what follows for the units and for the hosts:
 * further checks, amendments, and whose open results are to be looked at again.
 */
import type { AccountId, HostId, JobId } from '../../../protocol/ids.ts';
import { verifierOf } from '../../../protocol/job.ts';
import type { JobFacts } from '../job.ts';
import { isAuditAudited } from './audit.ts';
import type { CheckNeeds } from './check.ts';
import { isRejection } from './compare.ts';
import { convict, type Reach } from './conviction.ts';
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
  /** It tells of another's result, whether that is right. */
  isVerdict?: true;
};

export class Court {
  readonly wanted: WantedCheck[] = [];
  readonly amendments = new Map<string, Amendment>();
  readonly sweeps = new Map<HostId, Reach>();
  /** Units of which two anchors said different things. */
  readonly incidents: { jobId: JobId; unit: number }[] = [];
  /** Units of which a verifier refuses what their kernel does say. */
  readonly refusals: { jobId: JobId; unit: number }[] = [];
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
   * at `since`. When that is nothing, it is still waited for; but of a unit that is heard last nobody is asked again.
   */
  hear(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    accepted: Said | null,
    said: readonly Said[],
    { since, isLast }: { since: number; isLast: boolean },
  ): void {
    const wantedBefore = this.wanted.length;
    this.hearCase(job, unit, about, accepted, said, isLast);
    if (said.length > 0) return;
    for (const check of this.wanted.slice(wantedBefore)) check.since = since;
  }

  private hearCase(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    accepted: Said | null,
    said: readonly Said[],
    isLast: boolean,
  ): void {
    const { jobId } = job;
    const [first] = about.testimonies;
    if (first === undefined) {
      this.hearAnew(job, unit, about, said, isLast);
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
      this.testify(jobId, unit, about, { ...one, ...verdictMark(job) });
    }
    const last = about.testimonies.at(-1) ?? first;
    const judgement = judge(toCase(about), last.hostId, this.book, this.now);
    about.isOut = false;
    if (judgement.kind === 'check') this.ask(job, unit, about, judgement.needs, isLast);
    else if (judgement.kind === 'incident') this.incidents.push({ jobId, unit });
    else {
      about.canonical = judgement.answer;
      for (const { hostId, reach } of judgement.convicted) this.sweepLater(hostId, reach);
      const wrong = judgement.convicted.map(({ hostId }) => hostId);
      const revoked = revokedOf(about.testimonies, wrong);
      if (isRejection(judgement.answer)) this.reject(job, unit, about, revoked, isLast);
      else this.amend(jobId, unit, about, before, [...revoked, ...this.replaced(about)]);
    }
  }

  private ask(job: JobFacts, unit: number, about: UnitCase, needs: CheckNeeds, isLast: boolean) {
    about.isOut = !isLast;
    if (!isLast) this.wanted.push({ job, unit, needs, about });
  }

  /**
   * A verifier has found the result wrong, and there is no other: somebody else computes the unit anew. So far nobody
   * is to blame but who said otherwise of it: the verifier is its scientist's, and may refuse what the kernel does say.
   */
  private reject(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    revoked: Amendment['revoked'],
    isLast: boolean,
  ): void {
    const { jobId } = job;
    if (revoked.length > 0)
      this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place: null, revoked });
    putAside(about);
    this.ask(job, unit, about, 'anchor', isLast);
  }

  /**
   * The unit was computed anew. What an anchor says is true, and so is what so many said that it is no collusion: also
   * where the verifier refuses it. Anything else that differs from what was rejected is looked at by the verifier
   * again.
   */
  private hearAnew(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    said: readonly Said[],
    isLast: boolean,
  ): void {
    const { jobId } = job;
    const [one] = said;
    if (one === undefined) {
      this.ask(job, unit, about, 'anchor', isLast);
      return;
    }
    this.testify(jobId, unit, about, one);
    const { isAnchor } = this.book.host(one.hostId);
    const alike = (about.rejected ?? []).filter(({ answer }) => answer === one.answer);
    const isTrue = isAnchor || alike.length >= rejectedMax;
    if (alike.length > 0 && !isTrue) {
      putAside(about);
      this.ask(job, unit, about, 'anchor', isLast);
      return;
    }
    const revoked = isTrue ? this.disproved(about, one.answer) : [];
    const place = alike[0]?.place ?? one.place;
    this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place, revoked });
    if (alike.length > 0) this.refusals.push({ jobId, unit });
    about.wanted = isTrue ? 1 : 2;
    const judgement = judge(toCase(about), one.hostId, this.book, this.now);
    about.isOut = false;
    if (judgement.kind === 'check') this.ask(job, unit, about, judgement.needs, isLast);
    else about.canonical = one.answer;
  }

  /**
   * Of those that were rejected, who said something else than what its verifier finds right. It stands in their place
   * and they are not paid; a proof that they were wrong it is not.
   */
  private replaced(about: UnitCase): Amendment['revoked'] {
    return othersThan(about, about.canonical).map(lost);
  }

  private disproved(about: UnitCase, truth: string): Amendment['revoked'] {
    const wrong = othersThan(about, truth);
    for (const { hostId } of wrong) {
      const { identity, reach } = convict(this.book.identityOf(hostId), hostId, this.now);
      this.book.keep(hostId, identity);
      this.sweepLater(hostId, reach);
    }
    return wrong.map(lost);
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
    revoked: Amendment['revoked'],
  ): void {
    const right = about.testimonies.find(({ answer }) => answer === about.canonical);
    const isMoved = about.canonical !== before;
    if (!isMoved && revoked.length === 0) return;
    const place = isMoved ? (right?.place ?? null) : null;
    this.amendments.set(amendmentName(jobId, unit, about), { jobId, unit, place, revoked });
  }
}

/** Accounts whose results were rejected, and are the same: when one more says so too, it is what the kernel says. */
const rejectedMax = 2;

/** Of what was rejected, what differs from an answer. Each counts once. */
function othersThan({ rejected = [] }: UnitCase, answer: string): Told[] {
  const others = rejected.filter((told) => told.answer !== answer && told.status !== 'wrong');
  for (const told of others) told.status = 'wrong';
  return others;
}

/** The result goes to those that were rejected; whoever looked at it may look at another. */
function putAside(about: UnitCase): void {
  const [candidate] = about.testimonies;
  if (candidate === undefined) throw new Error('there is nothing to reject');
  candidate.status = 'heard';
  about.rejected = [...(about.rejected ?? []), candidate];
  Object.assign(about, { testimonies: [], wanted: 1, canonical: '' });
}

/** What a check says where there is a verifier: it did not compute the unit, and is not paid for that. */
const verdictMark = (job: JobFacts): { isVerdict?: true } =>
  verifierOf(job.document) === null ? {} : { isVerdict: true };

const lost = ({ hostId, accountId, micro, isVerdict }: Told): Amendment['revoked'][number] => ({
  hostId,
  accountId,
  micro,
  ...(isVerdict === true ? { isVerdict } : {}),
});

const revokedOf = (testimonies: readonly Told[], wrong: readonly HostId[]): Amendment['revoked'] =>
  testimonies
    .filter(({ hostId, status }) => status === 'wrong' && wrong.includes(hostId))
    .map(lost);

/** With as many as have testified by now, and were rejected: a later judgement of this case has another name. */
const amendmentName = (jobId: JobId, unit: number, about: UnitCase): string =>
  `${caseName(jobId, unit)} ${about.rejected?.length ?? 0}.${about.testimonies.length}`;

/** The answer that scientists get now: as it was last settled, or else what came first. */
const canonicalOf = ({ canonical, testimonies }: { canonical: string; testimonies: Told[] }) =>
  canonical === '' ? (testimonies[0]?.answer ?? '') : canonical;
