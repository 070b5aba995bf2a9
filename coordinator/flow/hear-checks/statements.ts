/**
 * What results say, as it counts in a case: whether one says the same as another, by the comparison that its
 * job asks for (domain/trust/compare.ts). Reads journals, each once in a step, and of jobs that declare
 * tolerances the outputs themselves.
 */
import { hash } from 'node:crypto';
import type { Digest, HostId } from '../../../protocol/ids.ts';
import { decodeOutput } from '../../../protocol/output.ts';
import { digestOf } from '../../artifacts/artifacts.ts';
import { AcceptedResults } from '../../domain/accepted-results.ts';
import { creditMicro } from '../../domain/credit.ts';
import { resultsRecorded } from '../../domain/decided-units.ts';
import type { JobFacts } from '../../domain/job.ts';
import type { Ended, RecordedResult } from '../../domain/journal.ts';
import {
  positionOf,
  type Shard,
  type ShardId,
  shardId,
  shardSize,
  splitShard,
} from '../../domain/shard.ts';
import {
  agreeWithin,
  type Compared,
  exactAnswer,
  readBody,
  rejectionOf,
  type Tolerance,
  verifierSays,
} from '../../domain/trust/compare.ts';
import type { Said } from '../../domain/trust/court.ts';
import { caseName, type Place, type UnitCase } from '../../domain/trust/docket.ts';
import { readableJournal } from '../../store/readable-journal.ts';
import type { Context } from '../context.ts';

type Told = Pick<Said, 'answer' | 'place'>;

export class Statements {
  private readonly context: Pick<Context, 'store' | 'artifacts'>;
  private readonly acceptedIn = new Map<ShardId, AcceptedResults>();
  private readonly endedIn = new Map<ShardId, Ended[]>();

  constructor(context: Pick<Context, 'store' | 'artifacts'>) {
    this.context = context;
  }

  /** The result that the unit was accepted with, at first; lost when the file that it is in is damaged. */
  async accepted(job: JobFacts, unit: number): Promise<Said | null | 'lost'> {
    const shard = splitShard(job, Math.floor(unit / job.unitsPerShard));
    const all = this.acceptedIn.get(shardId(shard)) ?? (await this.readAccepted(shard));
    if (all === null) return 'lost';
    const ended = all.find(positionOf(shard.units, unit));
    return ended === undefined
      ? null
      : toSaid(ended, shard.number, exactAnswer(compared(ended.result)));
  }

  private async readAccepted(shard: Shard): Promise<AcceptedResults | null> {
    const journal = await readableJournal(this.context.store, shard);
    if (journal === null) return null;
    const accepted = new AcceptedResults(journal, shardSize(shard.units));
    this.acceptedIn.set(shardId(shard), accepted);
    return accepted;
  }

  /** What a check brought of a unit: each has the answer of what was said before that it agrees with. */
  async among(
    job: JobFacts,
    { testimonies }: UnitCase,
    accepted: Said,
    ended: readonly Ended[],
    { number, check }: Shard,
  ): Promise<Said[]> {
    const { compare } = job.document;
    const candidate = testimonies[0]?.answer || accepted.answer;
    if (check?.verify !== undefined) {
      const worth = testimonies[0]?.place ? testimonies[0].micro : accepted.micro;
      return ended.map((one) => {
        const said = toSaid(one, number, verdictOn(candidate, one.result));
        return { ...said, micro: Math.min(said.micro, worth) };
      });
    }
    const said: Said[] = [];
    const before = testimonies.map(({ answer, place }): Told => {
      return place === null ? accepted : { answer, place };
    });
    for (const one of ended) {
      const exact = exactAnswer(compared(one.result));
      const answer =
        typeof compare === 'object' && 'tolerance' in compare
          ? await this.nearest(job, compare.tolerance, one.result, exact, [...before, ...said])
          : exact;
      said.push(toSaid(one, number, answer));
    }
    return said;
  }

  /** What the job's verifier is to look at of each unit, put where hosts find it; and what that was worth. */
  async toVerify(
    job: JobFacts,
    units: readonly number[],
    cases: ReadonlyMap<string, UnitCase>,
  ): Promise<{ verify: Digest[]; worth: number[] }> {
    const verify: Digest[] = [];
    const worth: number[] = [];
    for (const unit of units) {
      const place =
        cases.get(caseName(job.jobId, unit))?.testimonies[0]?.place ??
        (await this.placeOf(job, unit));
      const result = place === null ? null : await this.resultAt(job, place);
      const stdout = result === null ? nothing : await this.stdoutOf(result);
      const digest = digestOf(stdout);
      const { artifacts } = this.context;
      if ((await artifacts.keep('input', digest)) === null)
        await artifacts.write('input', digest, [stdout], stdout.length);
      verify.push(digest);
      worth.push(result === null ? 0 : microOf(result));
    }
    return { verify, worth };
  }

  private async placeOf(job: JobFacts, unit: number): Promise<Place | null> {
    const accepted = await this.accepted(job, unit);
    return accepted === 'lost' ? null : (accepted?.place ?? null);
  }

  private async stdoutOf(result: RecordedResult): Promise<Uint8Array> {
    const bytes = await this.outputOf(result);
    try {
      return bytes === null ? nothing : decodeOutput(bytes).stdout;
    } catch {
      // A stranger made it, and what cannot be read says nothing.
      return nothing;
    }
  }

  /**
   * An answer is what was heard first of it: later ones are compared with that, and not with each other,
   * because nearness is not transitive and an answer must not wander.
   */
  private async nearest(
    job: JobFacts,
    tolerance: Tolerance,
    result: RecordedResult,
    exact: string,
    before: readonly Told[],
  ): Promise<string> {
    const firsts = new Map<string, Place | null>();
    for (const { answer, place } of before) if (!firsts.has(answer)) firsts.set(answer, place);
    if (firsts.has(exact)) return exact;
    const own = await this.withBody(result);
    for (const [answer, place] of firsts) {
      const first = place === null ? null : await this.resultAt(job, place);
      if (first === null) continue;
      if (agreeWithin(tolerance, await this.withBody(first), own)) return answer;
    }
    return exact;
  }

  private async resultAt(
    job: JobFacts,
    { shard, position, hostId }: Place,
  ): Promise<RecordedResult | null> {
    // Only its number tells which journal it is.
    const where: Shard = { jobId: job.jobId, number: shard, units: { list: [] } };
    const id = shardId(where);
    const ended = this.endedIn.get(id) ?? (await this.readEnded(where));
    this.endedIn.set(id, ended);
    return find(ended, position, hostId)?.result ?? null;
  }

  private async readEnded(shard: Shard): Promise<Ended[]> {
    const journal = await readableJournal(this.context.store, shard);
    return journal === null ? [] : resultsRecorded(journal);
  }

  /** A stranger made the output: one that cannot be read agrees with its equal alone. */
  private async withBody(result: RecordedResult): Promise<Compared> {
    const bytes = await this.outputOf(result);
    if (bytes === null) return compared(result);
    try {
      return { ...compared(result), ...readBody(decodeOutput(bytes)) };
    } catch {
      return compared(result);
    }
  }

  private async outputOf({ output, digest }: RecordedResult): Promise<Uint8Array | null> {
    if (output !== null || digest === null) return output;
    const { artifacts } = this.context;
    const name = `sha256:${Buffer.from(digest).toString('hex')}`;
    return (await artifacts.size('output', name)) === null
      ? null
      : await artifacts.readAll('output', name);
  }
}

const nothing = new Uint8Array();

const verdictOn = (candidate: string, { outcome, exitCode }: RecordedResult): string =>
  verifierSays(outcome, exitCode) === true ? candidate : rejectionOf(candidate);

const find = (ended: readonly Ended[], position: number, hostId: HostId): Ended | undefined =>
  ended.find((one) => one.hostId === hostId && one.result.position === position);

function toSaid({ hostId, accountId, result }: Ended, shard: number, answer: string): Said {
  const place = { shard, position: result.position, hostId };
  return { hostId, accountId, answer, micro: microOf(result), place };
}

const microOf = ({ outcome, fuel }: RecordedResult): number =>
  outcome === 'success' ? creditMicro(fuel) : 0;

const compared = ({ outcome, exitCode, fuel, output, digest }: RecordedResult): Compared => ({
  outcome,
  exitCode,
  fuel,
  digest:
    output === null
      ? Buffer.from(digest ?? []).toString('base64url')
      : hash('sha256', output, 'base64url'),
});
