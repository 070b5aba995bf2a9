/**
 * A verifier has found a result wrong, and there is no other: the result is put aside, and somebody else computes the
 * unit anew. So far nobody is to blame but who said otherwise of it: the verifier is its scientist's, and may refuse
 * what the kernel does say.
 *
 *   computed anew ── as an anchor, or as so many said that it is no collusion ──► true, whatever the verifier says
 *               ├── the same as was rejected ──► put aside, and computed anew
 *               └── something else ──► the verifier looks at it
 */
import type { JobFacts } from '../job.ts';
import { convict } from './conviction.ts';
import { type RecordBook, type Told, toCase, type UnitCase } from './docket.ts';
import { type Findings, lost, type Revoked } from './findings.ts';
import { judge } from './judge.ts';

/** Accounts whose results were rejected, and are the same: when one more says so too, it is what the kernel says. */
const rejectedMax = 2;

export class Rejections {
  private readonly findings: Findings;
  private readonly book: RecordBook;
  private readonly now: number;

  constructor(findings: Findings, book: RecordBook, now: number) {
    this.findings = findings;
    this.book = book;
    this.now = now;
  }

  reject(job: JobFacts, unit: number, about: UnitCase, revoked: Revoked, isLast: boolean): void {
    if (revoked.length > 0) this.findings.amend(job.jobId, unit, about, null, revoked);
    this.computeAnew(job, unit, about, isLast);
  }

  /** The unit was computed anew: whoever `said` so has testified. */
  hearAnew(
    job: JobFacts,
    unit: number,
    about: UnitCase,
    said: Pick<Told, 'hostId' | 'answer' | 'place'>,
    isLast: boolean,
  ): void {
    const { jobId } = job;
    const { isAnchor } = this.book.host(said.hostId);
    const alike = (about.rejected ?? []).filter(({ answer }) => answer === said.answer);
    const isTrue = isAnchor || alike.length >= rejectedMax;
    if (alike.length > 0 && !isTrue) {
      this.computeAnew(job, unit, about, isLast);
      return;
    }
    const revoked = isTrue ? this.disproved(about, said.answer) : [];
    this.findings.amend(jobId, unit, about, alike[0]?.place ?? said.place, revoked);
    if (alike.length > 0) this.findings.refusals.push({ jobId, unit });
    about.wanted = isTrue ? 1 : 2;
    const judgement = judge(toCase(about), said.hostId, this.book, this.now);
    about.isOut = false;
    if (judgement.kind === 'check') this.findings.ask(job, unit, about, judgement.needs, isLast);
    else about.canonical = said.answer;
  }

  private computeAnew(job: JobFacts, unit: number, about: UnitCase, isLast: boolean): void {
    putAside(about);
    this.findings.ask(job, unit, about, 'anchor', isLast);
  }

  /** Who said something else of the unit than what is true: that is a proof. */
  private disproved(about: UnitCase, truth: string): Revoked {
    const wrong = othersThan(about, truth);
    for (const { hostId } of wrong) {
      const { identity, reach } = convict(this.book.identityOf(hostId), hostId, this.now);
      this.book.keep(hostId, identity);
      this.findings.sweep(hostId, reach);
    }
    return wrong.map(lost);
  }
}

/**
 * Of those that were rejected, who said something else than what its verifier finds right. It stands in their place
 * and they are not paid; a proof that they were wrong it is not.
 */
export const replaced = (about: UnitCase): Revoked => othersThan(about, about.canonical).map(lost);

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
