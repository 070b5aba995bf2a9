/**
 * record + decide, as a group commit. Reports that arrive while one commit is on its way to disk
 * wait for the next; then all of them go in one script and share its fsync. One commit at a time a
 * partition, so that each is decided upon the journal that the one before left.
 *
 *      report ─┐                       ┌─ written ► answer, settle the window
 *      report ─┼─► intake ──► commit ──┼─ stale   ► read the journal again, decide again
 *      note   ─┘        one at a time  └─ closed  ► answer from the journal, append nothing
 *
 * When the reply is lost, the identical bytes go out again until Redis answers (patient-store.ts).
 * Should the first try have been written, the journal already holds those bytes at that place, and
 * that is looked at before anything is decided again. Nobody is answered before a reply is certain.
 */
import type { Logger } from 'pino';
import { GridError } from '../../../protocol/errors.ts';
import type { JobId } from '../../../protocol/ids.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import type { JournalEntry } from '../../domain/journal.ts';
import type { Pace } from '../../domain/pace.ts';
import { type LeaseHolder, positionsIn, type Reported } from '../../domain/record.ts';
import { isCheck, type Shard, type ShardId, shardId } from '../../domain/shard.ts';
import { ShardState } from '../../domain/shard-state.ts';
import type { Window } from '../../domain/window.ts';
import { type AppendReply, ArchiveDamaged, type Store } from '../../store/store.ts';
import type { Clock, Happening, ShardRecorder } from '../context.ts';
import { type Draft, draftAppend, groupByShard, verdictsOfClosed } from './draft.ts';
import { Intake, type Intent } from './intake.ts';
import { PatientStore } from './patient-store.ts';

export type RecorderParts = {
  partition: number;
  store: Store;
  window: Window;
  paces: Map<JobId, Pace>;
  clock: Clock;
  log: Logger;
  happened(happening: Happening): void;
  /** A shard closed: its queue entry is to be finished. */
  closed(id: ShardId): void;
  /** Something was paid: the outbox is to be applied. */
  paid(): void;
};

export class Recorder implements ShardRecorder {
  private readonly parts: RecorderParts;
  private readonly intake: Intake;
  private readonly store: PatientStore;
  private committing: Promise<void> | null = null;
  private committedAt = 0;
  /** When the commit began that is under way. */
  private begunAt: number | null = null;
  /** Of those that ended since it was asked for. */
  private longestMs = 0;

  constructor(parts: RecorderParts) {
    this.parts = parts;
    this.intake = new Intake(parts.clock, () => this.start());
    this.store = new PatientStore(parts);
  }

  record(shard: Shard, lease: LeaseHolder, reported: Reported): Promise<Verdict[]> {
    return new Promise((answer, refuse) =>
      this.intake.add({ kind: 'report', shard, lease, reported, answer, refuse }),
    );
  }

  giveUp(shard: Shard, positions: readonly number[], reason: string): void {
    this.intake.add({ kind: 'giveUp', shard, positions, reason });
  }

  note(shard: Shard, entry: JournalEntry): void {
    this.intake.note(shard, entry);
  }

  /** True while Redis refuses writes: the doors then grant nothing. */
  get isRefused(): boolean {
    return this.store.isRefused;
  }

  /** Results that wait for a commit: those of the one that is under way are not among them. */
  get backlog(): number {
    return this.intake.waiting;
  }

  /**
   * The longest that a commit has taken since this was last asked, or is taking: what a report waits for. Nothing while
   * Redis refuses: that is told as what it is.
   */
  takeLongestMs(): number {
    const longest = Math.max(this.longestMs, this.ageMs());
    this.longestMs = 0;
    return this.isRefused ? 0 : longest;
  }

  private ageMs(): number {
    return this.begunAt === null ? 0 : this.parts.clock.now() - this.begunAt;
  }

  /** Settles when everything handed in so far is answered. */
  async drain(): Promise<void> {
    this.intake.drain();
    while (this.committing !== null) await this.committing;
  }

  private start(): void {
    if (this.committing !== null || this.intake.isEmpty) return;
    this.begunAt = this.parts.clock.now();
    this.committing = this.intake
      .gather(this.committedAt)
      .then(() => this.commitNext())
      .finally(() => {
        this.longestMs = Math.max(this.longestMs, this.ageMs());
        this.begunAt = null;
        this.committing = null;
        this.start();
      });
  }

  private async commitNext(): Promise<void> {
    const intents = this.intake.take();
    try {
      await this.commit(intents);
    } catch (error) {
      // A bug of ours. The hosts are told and will report again; what the window believes of these
      // shards may be wrong, so they are read anew.
      this.parts.log.error({ err: error }, 'a commit failed');
      for (const intent of intents) {
        this.parts.window.drop(shardId(intent.shard));
        if (intent.kind === 'report') intent.refuse(new GridError('internal'));
      }
    }
    this.committedAt = this.parts.clock.now();
  }

  /** Commits intents, and again those whose shard turned out to have changed. */
  private async commit(intents: Intent[]): Promise<void> {
    let left = groupByShard(intents);
    while (left.length > 0) {
      const drafted = await Promise.all(left.map((group) => this.draftOrRefuse(group)));
      const drafts = drafted.filter((draft) => draft !== null);
      const needed = drafts.filter(({ append }) => append.bytes.length > 0);
      const replies = await this.store.append(needed.map(({ append }) => append));
      const again: Intent[][] = [];
      for (const draft of drafts) {
        const at = needed.indexOf(draft);
        const reply: AppendReply = replies[at] ?? { kind: 'written', jobDecided: false };
        if (reply.kind === 'written' || (await this.stands(draft))) this.settle(draft, reply);
        else if (reply.kind === 'stale') again.push(await this.reread(draft, reply.length));
        else await this.answerClosed(draft);
      }
      left = again;
    }
  }

  /** Null when the shard is in a damaged file of the archive: that must not hold up the others. */
  private async draftOrRefuse(intents: Intent[]): Promise<Draft | null> {
    try {
      return await this.draft(intents);
    } catch (error) {
      if (!(error instanceof ArchiveDamaged)) throw error;
      for (const intent of intents) {
        if (intent.kind === 'report') intent.refuse(new GridError('archive_damaged'));
      }
      return null;
    }
  }

  private async draft(intents: Intent[]): Promise<Draft> {
    const shard = (intents[0] as Intent).shard;
    const state = this.parts.window.state(shardId(shard)) ?? (await this.load(shard));
    const draft = draftAppend(shard, state, intents);
    for (const intent of intents) {
      if (intent.kind !== 'report') continue;
      const { leaseId } = intent.lease;
      if (state.leases.has(leaseId)) this.intake.forgetNote(leaseId);
    }
    return draft;
  }

  /** Whether the journal already holds this append's bytes: a try whose reply was lost. */
  private async stands({ append }: Draft): Promise<boolean> {
    const tail = await this.store.readJournal(append.shard, append.expectedLength);
    return (
      append.bytes.length > 0 &&
      Buffer.from(tail).subarray(0, append.bytes.length).equals(append.bytes)
    );
  }

  private settle({ append, state, intents, answers }: Draft, reply: AppendReply): void {
    const { window, paces, clock, happened, closed, paid } = this.parts;
    const id = shardId(append.shard);
    const freeBefore = window.free;
    // Lost to the queue and read anew while the append was under way: then the window has not seen it,
    // and would offer again what is decided.
    const known = window.state(id);
    const now = clock.now();
    if (known !== undefined && known.length < state.length) window.refresh(state, now);
    for (const intent of intents) {
      if (intent.kind === 'giveUp') window.refresh(state, now);
      if (intent.kind !== 'report') continue;
      const { reported, lease } = intent;
      window.settle(id, lease, positionsIn(reported), fuelOf(reported), now);
    }
    paces.get(append.shard.jobId)?.count(append.canonical + append.failed, now);
    for (const answer of answers) answer();
    if (append.bytes.length > 0 && !window.isHeld(id))
      happened({ kind: 'recorded_elsewhere', shard: id });
    if (append.closes) {
      window.drop(id);
      closed(id);
    }
    if (append.pay.length > 0) paid();
    if (window.free > freeBefore) happened({ kind: 'units_free' });
    if (reply.kind === 'written' && reply.jobDecided) happened({ kind: 'job_decided' });
  }

  /** Another coordinator appended: what was decided is void. Takes its entries in and tries again. */
  private async reread({ append, intents }: Draft, length: number): Promise<Intent[]> {
    const state = await this.load(append.shard);
    const { window, clock, happened, log } = this.parts;
    const lost = append.expectedLength - length;
    if (lost > 0)
      log.error(
        { shard: shardId(append.shard), bytes: lost },
        'the journal of a shard is shorter than it was: Redis has lost what it had acknowledged',
      );
    const freeBefore = window.free;
    window.refresh(state, clock.now());
    // What another coordinator recorded may have freed units, and nobody else will tell who waits here.
    if (window.free > freeBefore) happened({ kind: 'units_free' });
    return intents;
  }

  /** The shard is closed or its job cancelled: the journal tells what each replica became. */
  private async answerClosed({ append, intents }: Draft): Promise<void> {
    const id = shardId(append.shard);
    const state = await this.load(append.shard);
    for (const intent of intents) {
      if (intent.kind === 'report') intent.answer(verdictsOfClosed(state, intent));
    }
    this.parts.window.drop(id);
    this.parts.closed(id);
  }

  /** A lease does not tell what its check is for; the open set does, as long as anything can be recorded. */
  private async load(shard: Shard): Promise<ShardState> {
    const open = isCheck(shard) ? await this.store.readOpenShard(shard) : null;
    return ShardState.replay(open ?? shard, await this.store.readJournal(shard, 0));
  }
}

function fuelOf({ successes, results }: Reported): number {
  let fuel = 0;
  for (const one of successes?.fuel ?? []) fuel += one;
  for (const result of results) fuel += result.fuel;
  return fuel;
}
