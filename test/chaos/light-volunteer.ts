/**
 * A volunteer that takes no time to compute, so that at any moment something is being recorded: it speaks
 * the real protocol over a real socket, and knows what the units come to. It keeps what a worker keeps:
 * leases and results until they are recorded, over any number of sessions. And it keeps what no worker
 * would: every acknowledgement that it got, for the checker.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Lease } from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { orderForReport } from '../../protocol/report.ts';
import type { Random } from '../simulation/random.ts';
import { joinVolunteer, type Keys, unitsOf, type Volunteer } from '../support/volunteer.ts';
import { lightMemoryBytes, type Truth, type Workload } from './workloads.ts';

/** What a volunteer was told of one of its results. */
export type Acknowledged = {
  accountId: string;
  jobId: string;
  unit: number;
  verdict: Verdict;
  /** Of the output it sent; null when the volunteer does not say. */
  digest: string | null;
};

/** One report: of a lease, some results. */
type Report = { jobId: string; token: string; truths: Truth[] };
type Held = { lease: Lease; left: Report[] };

/** Reports that may be repeated later. */
const pastMax = 64;
/** A grid that is away is looked for some times a second. */
const reconnectMs = 200;
/** Refusals that are no mistake: the disk is full, Redis is away, an upload was lost. */
const passing = ['unavailable', 'internal', 'artifact_unknown', 'shutting_down'];

export class LightVolunteer {
  readonly name: string;
  readonly acknowledged: Acknowledged[] = [];
  /** What it was told and may not be told, in words. */
  readonly complaints: string[] = [];
  private readonly url: string;
  private readonly keys: Keys;
  private readonly workloads: readonly Workload[];
  private readonly random: Random;
  private held: Held[] = [];
  private past: { report: Report; verdicts: Verdict[] }[] = [];

  constructor(parts: {
    name: string;
    url: string;
    keys: Keys;
    workloads: readonly Workload[];
    random: Random;
  }) {
    this.name = parts.name;
    this.url = parts.url;
    this.keys = parts.keys;
    this.workloads = parts.workloads;
    this.random = parts.random;
  }

  /** Works until the signal comes, through whatever happens to its connections. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.session(signal).catch(() => {
        // Cut off, or nobody there: what it holds is presented again.
      });
      // As if killed, with a disk that was lost: its leases run out.
      if (this.random.chance(0.03)) this.held = [];
      await wait(reconnectMs);
    }
  }

  private async session(signal: AbortSignal): Promise<void> {
    const { keys, name } = this;
    const leases = this.held.map(({ lease: { token }, left }) => ({
      token,
      units: left.flatMap(({ truths }) =>
        truths.map(({ result }): [number, number] => [result.unit, 1]),
      ),
    }));
    const hello = { name, cores: 8, memoryBytes: lightMemoryBytes, leases };
    const volunteer = await joinVolunteer(this.url, { keys, hello });
    const leave = () => volunteer.cut();
    signal.addEventListener('abort', leave);
    try {
      while (!signal.aborted) await this.round(volunteer);
    } finally {
      signal.removeEventListener('abort', leave);
      volunteer.cut();
    }
  }

  /** Reports what it holds, then takes more; now and then it repeats what it said long ago. */
  private async round(volunteer: Volunteer): Promise<void> {
    for (const held of this.held) {
      while (held.left[0] !== undefined) await this.report(volunteer, held.left);
    }
    this.held = [];
    if (this.random.chance(0.05) && this.past.length > 0) await this.repeat(volunteer);
    await wait(this.random.skewed(10, 300));
    const leases = await volunteer.want(this.random.skewed(1, 48));
    this.held = leases.map((lease) => ({ lease, left: this.compute(volunteer, lease) }));
  }

  /** Its results, in one report or in two. */
  private compute(volunteer: Volunteer, lease: Lease): Report[] {
    const { jobId, token } = lease;
    const workload = this.workloadOf(volunteer, jobId);
    const truths = orderForReport(unitsOf(lease).map(workload.truthOf), ({ result }) => result);
    const first = truths.splice(0, this.random.between(1, truths.length));
    return [first, truths]
      .filter(({ length }) => length > 0)
      .map((truths) => ({ jobId, token, truths }));
  }

  private workloadOf(volunteer: Volunteer, jobId: string): Workload {
    const briefs = volunteer.received.flatMap((message) =>
      message.type === 'lease' ? message.jobs : [],
    );
    const brief = briefs.find((brief) => brief.jobId === jobId);
    const workload = this.workloads.find(({ name }) => name === brief?.name);
    if (workload === undefined) throw new Error(`${this.name} was told nothing of ${jobId}`);
    return workload;
  }

  /** The first of them, until it is recorded or refused for good. */
  private async report(volunteer: Volunteer, left: Report[]): Promise<void> {
    const [report] = left;
    if (report === undefined) return;
    const { jobId, token, truths } = report;
    for (const truth of truths) await this.upload(volunteer, truth);
    const answer = await volunteer.reportPacked(
      token,
      truths.map(({ result }) => result),
    );
    if ('refused' in answer) {
      if (passing.includes(answer.refused)) return void (await wait(reconnectMs));
      this.complaints.push(`${this.name}: a report of ${jobId} was refused: ${answer.refused}`);
    } else {
      this.remember(volunteer, report, answer);
    }
    left.shift();
  }

  private remember(volunteer: Volunteer, report: Report, verdicts: Verdict[]): void {
    const accountId = volunteer.welcome?.accountId ?? '';
    for (const [i, { result }] of report.truths.entries()) {
      const digest = `sha256:${Buffer.from(result.digest).toString('hex')}`;
      const verdict = verdicts[i];
      if (verdict === undefined) {
        this.complaints.push(`${this.name}: unit ${result.unit} got no verdict`);
        continue;
      }
      const { unit } = result;
      this.acknowledged.push({ accountId, jobId: report.jobId, unit, verdict, digest });
    }
    this.past.push({ report, verdicts });
    if (this.past.length > pastMax) this.past.splice(this.random.between(0, pastMax), 1);
  }

  /** [W3] What was accepted is told to be accepted again. */
  private async repeat(volunteer: Volunteer): Promise<void> {
    const { report, verdicts } = this.random.pick(this.past);
    const { jobId, token, truths } = report;
    const results = truths.map(({ result }) => result);
    const answer = await volunteer.reportPacked(token, results);
    if ('refused' in answer) {
      if (!passing.includes(answer.refused)) {
        this.complaints.push(`${this.name}: a repeated report was refused: ${answer.refused}`);
      }
      return;
    }
    for (const [i, verdict] of verdicts.entries()) {
      if (verdict !== 'accepted' || answer[i] === 'accepted' || answer[i] === 'final') continue;
      const { unit } = truths[i]?.result ?? { unit: -1 };
      this.complaints.push(
        `${this.name}: unit ${unit} of ${jobId} was accepted, and repeated ${answer[i]}`,
      );
    }
  }

  /** Before it is reported, as a worker does. */
  private async upload(volunteer: Volunteer, { result, output }: Truth): Promise<void> {
    if (result.output !== null) return;
    const digest = Buffer.from(result.digest).toString('hex');
    const reply = await fetch(`${this.url}/v1/artifacts/sha256:${digest}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${volunteer.welcome?.uploadToken}` },
      body: new Uint8Array(output),
    });
    if (!reply.ok) throw new Error(`the upload was refused: ${reply.status}`);
  }
}
