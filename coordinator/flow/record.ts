/**
 * record + decide, as a group commit. Reports that arrive while one commit is on its way to disk
 * wait for the next; then all of them go in one script and share its fsync. One commit at a time a
 * partition, so that each is decided upon the journal that the one before left.
 *
 *      report ─┐                       ┌─ written ► answer, settle the window
 *      report ─┼─► pending ─► commit ──┼─ stale   ► read the journal again, decide again
 *      note   ─┘        one at a time  └─ closed  ► answer from the journal, append nothing
 *
 * When the reply is lost, the identical bytes go out again until Redis answers. Should the first
 * try have been written, the journal already holds those bytes at that place, and that is looked at
 * before anything is decided again. Nobody is answered before a reply is certain.
 */
import type { Logger } from 'pino';
import { GridError } from '../../protocol/errors.ts';
import type { HostId, JobId, LeaseId } from '../../protocol/ids.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import type { Payment } from '../domain/award.ts';
import type { JournalEntry } from '../domain/journal.ts';
import type { Pace } from '../domain/pace.ts';
import {
  type LeaseHolder,
  type Pay,
  positionsIn,
  type Recording,
  type Reported,
  recordResults,
  recordSuccesses,
} from '../domain/record.ts';
import { fromRuns, isCheck, type Shard, type ShardId, shardId } from '../domain/shard.ts';
import { ShardState } from '../domain/shard-state.ts';
import { unitsAt } from '../domain/unit-runs.ts';
import type { Window } from '../domain/window.ts';
import {
  type AppendReply,
  OutcomeUnknown,
  type ShardAppend,
  StorageRefuses,
  type Store,
} from '../store/store.ts';
import type { Clock, Happening, ShardRecorder } from './context.ts';

/** A commit of more makes its first report wait for the fsync of a megabyte (1.4 ms measured). */
const resultsPerCommitMax = 4096;
/** Lease entries wait this long: a lease reported by then is written with its results, in one entry. */
const noteDelayMs = 20;
/** A commit that ended so lately means that hosts are reporting all the time. */
const busyMs = 5;
/** A commit costs about a millisecond of Redis and disk, whatever is in it. */
const gatherMs = 1;
/** Between tries while Redis is away. An embedded Redis is back within about a second. */
const retryDelayMs = 200;

type Intent =
  | {
      kind: 'report';
      shard: Shard;
      lease: LeaseHolder;
      reported: Reported;
      answer: (verdicts: Verdict[]) => void;
      refuse: (error: Error) => void;
    }
  | { kind: 'note'; shard: Shard; entry: JournalEntry; due: number };

type ReportIntent = Extract<Intent, { kind: 'report' }>;
type NoteIntent = Extract<Intent, { kind: 'note' }>;

type Draft = {
  append: ShardAppend;
  state: ShardState;
  intents: Intent[];
  answers: (() => void)[];
};

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
  private pending: Intent[] = [];
  /** In the order they came. A lease's is under its id: reported meanwhile, it is not needed. */
  private readonly notes = new Map<LeaseId | number, NoteIntent>();
  private notesTaken = 0;
  private committing: Promise<void> | null = null;
  private cancelNoteTimer: (() => void) | null = null;
  private readonly parts: RecorderParts;
  private committedAt = 0;
  private isDraining = false;
  /** True while Redis refuses writes: the doors then grant nothing. */
  isRefused = false;

  constructor(parts: RecorderParts) {
    this.parts = parts;
  }

  record(shard: Shard, lease: LeaseHolder, reported: Reported): Promise<Verdict[]> {
    return new Promise((answer, refuse) => {
      this.pending.push({ kind: 'report', shard, lease, reported, answer, refuse });
      this.start();
    });
  }

  note(shard: Shard, entry: JournalEntry): void {
    const due = this.parts.clock.now() + noteDelayMs;
    const key = entry.kind === 'leased' ? entry.leaseId : this.notesTaken++;
    this.notes.set(key, { kind: 'note', shard, entry, due });
    this.startForNotes();
  }

  /** Results that wait for their commit. */
  get backlog(): number {
    return this.pending.length;
  }

  /** Settles when everything handed in so far is answered. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.cancelNoteTimer?.();
    this.cancelNoteTimer = null;
    this.takeDueNotes();
    this.start();
    while (this.committing !== null) await this.committing;
  }

  private startForNotes(): void {
    this.cancelNoteTimer ??= this.parts.clock.after(noteDelayMs, () => {
      this.cancelNoteTimer = null;
      this.takeDueNotes();
      this.start();
      if (this.notes.size > 0) this.startForNotes();
    });
  }

  /** Ahead of the reports: what a lease's holder did comes after the lease. */
  private takeDueNotes(): void {
    const now = this.parts.clock.now();
    const due: NoteIntent[] = [];
    for (const [key, note] of this.notes) {
      if (note.due > now && !this.isDraining) break;
      due.push(note);
      this.notes.delete(key);
    }
    this.pending.unshift(...due);
  }

  private start(): void {
    if (this.committing !== null || this.pending.length === 0) return;
    this.committing = this.gather()
      .then(() => this.commitNext())
      .finally(() => {
        this.committing = null;
        this.start();
      });
  }

  /**
   * What arrives meanwhile shares the commit. When nothing else is going on, that is what came in the
   * same turn of the event loop; right after another commit it is a moment more, because the hosts
   * that were just answered are about to report.
   */
  private gather(): Promise<void> {
    const { clock } = this.parts;
    const isBusy = clock.now() - this.committedAt < busyMs;
    return new Promise((done) => {
      if (isBusy && !this.isDraining) clock.after(gatherMs, done);
      else clock.soon(done);
    });
  }

  private async commitNext(): Promise<void> {
    const intents = this.takePending();
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

  private takePending(): Intent[] {
    let results = 0;
    let count = 0;
    for (const intent of this.pending) {
      results += intent.kind === 'report' ? resultsIn(intent.reported) : 1;
      if (count > 0 && results > resultsPerCommitMax) break;
      count++;
    }
    return this.pending.splice(0, count);
  }

  /** Commits intents, and again those whose shard turned out to have changed. */
  private async commit(intents: Intent[]): Promise<void> {
    let left = groupByShard(intents);
    while (left.length > 0) {
      const drafts = await Promise.all(left.map((group) => this.draft(group)));
      const needed = drafts.filter(({ append }) => append.bytes.length > 0);
      const replies = await this.append(needed.map(({ append }) => append));
      const again: Intent[][] = [];
      for (const draft of drafts) {
        const at = needed.indexOf(draft);
        const reply: AppendReply = replies[at] ?? { kind: 'written', jobEnded: false };
        if (reply.kind === 'written' || (await this.stands(draft))) this.settle(draft, reply);
        else if (reply.kind === 'stale') again.push(await this.reread(draft));
        else await this.answerClosed(draft);
      }
      left = again;
    }
  }

  /** Decides what the intents of one shard append, upon the state as it is known. */
  private async draft(intents: Intent[]): Promise<Draft> {
    const shard = (intents[0] as Intent).shard;
    const state = this.parts.window.state(shardId(shard)) ?? (await this.load(shard));
    const expectedLength = state.length;
    const answers: (() => void)[] = [];
    const pay: Pay[] = [];
    let [canonical, failed, fuel, micro] = [0, 0, 0, 0];
    for (const intent of intents) {
      if (intent.kind === 'note') {
        if (!state.isClosed && !isKnown(state, intent.entry)) state.apply([intent.entry]);
        continue;
      }
      const verdicts: Verdict[] = [];
      for (const recording of recordings(state, intent)) {
        state.apply(recording.entries);
        verdicts.push(...recording.verdicts);
        canonical += recording.canonical;
        failed += recording.failed;
        fuel += recording.fuel;
        if (recording.pay !== null) {
          pay.push(recording.pay);
          micro += recording.pay.micro;
        }
      }
      if (state.leases.has(intent.lease.leaseId)) this.notes.delete(intent.lease.leaseId);
      answers.push(() => intent.answer(verdicts));
    }
    const bytes = state.takeBytes();
    const closes = state.isClosed && bytes.length > 0;
    // Checks are paid like any replica, but their units were counted when they were first decided.
    const counts = { canonical, failed, fuel, creditMicro: micro };
    const append = {
      shard,
      expectedLength,
      bytes,
      closes,
      ...(isCheck(shard) ? noCounts : counts),
      pay: payments(shard, pay),
    };
    return { append, state, intents, answers };
  }

  private async append(appends: ShardAppend[]): Promise<AppendReply[]> {
    if (appends.length === 0) return [];
    const { store, partition, clock, log } = this.parts;
    for (;;) {
      try {
        const replies = await store.append(partition, appends, clock.now());
        this.isRefused = false;
        return replies;
      } catch (error) {
        if (!(error instanceof OutcomeUnknown) && !(error instanceof StorageRefuses)) throw error;
        if (!this.isRefused)
          log.warn({ err: error }, 'cannot store results; trying until Redis can');
        this.isRefused = true;
        await this.pause();
      }
    }
  }

  /** Whether the journal already holds this append's bytes: a try whose reply was lost. */
  private async stands({ append }: Draft): Promise<boolean> {
    const tail = await this.readJournal(append.shard, append.expectedLength);
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
    if (known !== undefined && known.length < state.length) window.refresh(state, clock.now());
    for (const intent of intents) {
      if (intent.kind !== 'report') continue;
      const { reported, lease } = intent;
      window.settle(id, lease, positionsIn(reported), fuelOf(reported), clock.now());
    }
    paces.get(append.shard.jobId)?.count(append.canonical + append.failed, clock.now());
    for (const answer of answers) answer();
    if (append.closes) {
      window.drop(id);
      closed(id);
    }
    if (append.pay.length > 0) paid();
    if (window.free > freeBefore) happened({ kind: 'units_free' });
    if (reply.kind === 'written' && reply.jobEnded) {
      happened({ kind: 'job_ended', jobId: append.shard.jobId });
    }
  }

  /** Another coordinator appended: what was decided is void. Takes its entries in and tries again. */
  private async reread({ append, intents }: Draft): Promise<Intent[]> {
    const state = await this.load(append.shard);
    const { window, clock, happened } = this.parts;
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
    const late: Verdict = state.isClosed ? 'not_needed' : 'too_late';
    for (const intent of intents) {
      if (intent.kind !== 'report') continue;
      const all = [...recordings(state, intent)];
      const isNew = new Set(all.flatMap(({ entries }) => entries.flatMap(positionsRecorded)));
      const positions = positionsIn(intent.reported);
      const verdicts = all.flatMap((recording) => recording.verdicts);
      intent.answer(verdicts.map((verdict, i) => (isNew.has(positions[i] ?? -1) ? late : verdict)));
    }
    this.parts.window.drop(id);
    this.parts.closed(id);
  }

  private pause(): Promise<void> {
    return new Promise((done) => void this.parts.clock.after(retryDelayMs, done));
  }

  private async load(shard: Shard): Promise<ShardState> {
    return ShardState.replay(shard, await this.readJournal(shard, 0));
  }

  /** Reading may wait as long as writing: until Redis is back. */
  private async readJournal(shard: Shard, fromByte: number): Promise<Uint8Array> {
    for (;;) {
      try {
        return await this.parts.store.readJournal(shard, fromByte);
      } catch (error) {
        if (!(error instanceof OutcomeUnknown) && !(error instanceof StorageRefuses)) throw error;
        await this.pause();
      }
    }
  }
}

/** What a report does, part by part: each is to be appended before the next is asked for. */
function* recordings(state: ShardState, { lease, reported }: ReportIntent): Generator<Recording> {
  const { successes, results } = reported;
  if (successes !== null) yield recordSuccesses(state, lease, successes);
  if (results.length > 0) yield recordResults(state, lease, results);
}

/** A lease that was reported sooner than its note came up is in the journal already. */
const isKnown = (state: ShardState, entry: JournalEntry): boolean =>
  entry.kind === 'leased' && state.leases.has(entry.leaseId);

const resultsIn = ({ successes, results }: Reported): number =>
  (successes?.fuel.length ?? 0) + results.length;

function fuelOf({ successes, results }: Reported): number {
  let fuel = 0;
  for (const one of successes?.fuel ?? []) fuel += one;
  for (const result of results) fuel += result.fuel;
  return fuel;
}

function positionsRecorded(entry: JournalEntry): number[] {
  if (entry.kind === 'recorded') return entry.results.map(({ position }) => position);
  return entry.kind === 'succeeded' ? [...fromRuns(entry.positions)] : [];
}

const noCounts = { canonical: 0, failed: 0, fuel: 0, creditMicro: 0 };

function groupByShard(intents: Intent[]): Intent[][] {
  const groups = new Map<ShardId, Intent[]>();
  for (const intent of intents) {
    const id = shardId(intent.shard);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [intent]);
    else group.push(intent);
  }
  return [...groups.values()];
}

/** One for each host: what it earned in this commit, and with which units. */
function payments({ units }: Shard, pays: readonly Pay[]): Payment[] {
  const byHost = new Map<HostId, Payment>();
  for (const { accountId, hostId, micro, positions } of pays) {
    const payment = byHost.get(hostId);
    const paid = unitsAt(units, positions);
    if (payment === undefined)
      byHost.set(hostId, { kind: 'grant', accountId, hostId, micro, units: paid });
    else {
      payment.micro += micro;
      payment.units.push(...paid);
    }
  }
  return [...byHost.values()];
}
