/**
 * Hears what checks have said, case by case: whoever was asked testifies, and the case is judged (judge.ts). What
 * a verifier finds wrong is a matter of its own (rejection.ts); what follows of it all is gathered in findings.ts.
 */
import type { AccountId, HostId, JobId } from '../../../protocol/ids.ts';
import { verifierOf } from '../../../protocol/job.ts';
import type { JobFacts } from '../job.ts';
import { isAuditAudited } from './audit.ts';
import { isRejection } from './compare.ts';
import { type Place, type RecordBook, type Told, toCase, type UnitCase } from './docket.ts';
import { Findings, lost, type Revoked } from './findings.ts';
import { judge } from './judge.ts';
import { Rejections, replaced } from './rejection.ts';
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
  readonly findings = new Findings();
  private readonly rejections: Rejections;
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
    this.rejections = new Rejections(this.findings, book, now);
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
    const wantedBefore = this.findings.wanted.length;
    this.hearCase(job, unit, about, accepted, said, isLast);
    if (said.length > 0) return;
    for (const check of this.findings.wanted.slice(wantedBefore)) check.since = since;
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
      const [anew] = said;
      if (anew === undefined) this.findings.ask(job, unit, about, 'anchor', isLast);
      else {
        this.testify(jobId, unit, about, anew);
        this.rejections.hearAnew(job, unit, about, anew, isLast);
      }
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
    if (judgement.kind === 'check') this.findings.ask(job, unit, about, judgement.needs, isLast);
    else if (judgement.kind === 'incident') this.findings.incidents.push({ jobId, unit });
    else {
      about.canonical = judgement.answer;
      for (const { hostId, reach } of judgement.convicted) this.findings.sweep(hostId, reach);
      const wrong = judgement.convicted.map(({ hostId }) => hostId);
      const revoked = revokedOf(about.testimonies, wrong);
      if (isRejection(judgement.answer)) this.rejections.reject(job, unit, about, revoked, isLast);
      else this.settle(jobId, unit, about, before, [...revoked, ...replaced(about)]);
    }
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

  /** The case is over: what was revoked in it is told, and which result stands instead of another. */
  private settle(
    jobId: JobId,
    unit: number,
    about: UnitCase,
    before: string,
    revoked: Revoked,
  ): void {
    const right = about.testimonies.find(({ answer }) => answer === about.canonical);
    const isMoved = about.canonical !== before;
    if (!isMoved && revoked.length === 0) return;
    const place = isMoved ? (right?.place ?? null) : null;
    this.findings.amend(jobId, unit, about, place, revoked);
  }
}

/** What a check says where there is a verifier: it did not compute the unit, and is not paid for that. */
const verdictMark = (job: JobFacts): { isVerdict?: true } =>
  verifierOf(job.document) === null ? {} : { isVerdict: true };

const revokedOf = (testimonies: readonly Told[], wrong: readonly HostId[]): Revoked =>
  testimonies
    .filter(({ hostId, status }) => status === 'wrong' && wrong.includes(hostId))
    .map(lost);

/** The answer that scientists get now: as it was last settled, or else what came first. */
const canonicalOf = ({ canonical, testimonies }: { canonical: string; testimonies: Told[] }) =>
  canonical === '' ? (testimonies[0]?.answer ?? '') : canonical;
