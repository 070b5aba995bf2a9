/**
 * What waits to be committed. Reports wait for the commit that is under way, and then share the next.
 * Notes (lease entries) are held back a little: a lease that is reported meanwhile is written with its
 * results in one entry, and its note is not needed any more.
 */
import type { LeaseId } from '../../../protocol/ids.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import type { JournalEntry } from '../../domain/journal.ts';
import type { LeaseHolder, Reported } from '../../domain/record.ts';
import type { Shard } from '../../domain/shard.ts';
import type { Clock } from '../context.ts';

/** A commit of more makes its first report wait for the fsync of a megabyte (1.4 ms measured). */
const resultsPerCommitMax = 4096;
/** Lease entries wait this long: a lease reported by then is written with its results, in one entry. */
const noteDelayMs = 20;
/** A commit that ended so lately means that hosts are reporting all the time. */
const busyMs = 5;
/**
 * A commit costs about a millisecond of Redis and disk, whatever is in it. So much longer is no host kept
 * waiting that it would notice, and a unit cost a tenth less than with one millisecond (leases of one).
 */
const gatherMs = 4;

/** Something that is to be appended to a shard's journal. */
export type Intent = ReportIntent | NoteIntent | GiveUpIntent;

export type ReportIntent = {
  kind: 'report';
  shard: Shard;
  lease: LeaseHolder;
  reported: Reported;
  answer: (verdicts: Verdict[]) => void;
  refuse: (error: Error) => void;
};
export type GiveUpIntent = {
  kind: 'giveUp';
  shard: Shard;
  positions: readonly number[];
  reason: string;
};
type NoteIntent = { kind: 'note'; shard: Shard; entry: JournalEntry; due: number };

export class Intake {
  private pending: Intent[] = [];
  /** In the order they came. A lease's is under its id: reported meanwhile, it is not needed. */
  private readonly notes = new Map<LeaseId | number, NoteIntent>();
  private notesTaken = 0;
  private cancelNoteTimer: (() => void) | null = null;
  private isDraining = false;
  private readonly clock: Clock;
  private readonly ready: () => void;

  /** `ready` is called whenever something came up for the next commit. */
  constructor(clock: Clock, ready: () => void) {
    this.clock = clock;
    this.ready = ready;
  }

  /** Whether nothing is ready for a commit; notes that are held back are not. */
  get isEmpty(): boolean {
    return this.pending.length === 0;
  }

  /** Results that wait for a commit. */
  get waiting(): number {
    let results = 0;
    for (const intent of this.pending) {
      if (intent.kind === 'report') results += resultsIn(intent.reported);
    }
    return results;
  }

  add(intent: ReportIntent | GiveUpIntent): void {
    this.pending.push(intent);
    this.ready();
  }

  note(shard: Shard, entry: JournalEntry): void {
    const due = this.clock.now() + noteDelayMs;
    const key = entry.kind === 'leased' ? entry.leaseId : this.notesTaken++;
    this.notes.set(key, { kind: 'note', shard, entry, due });
    this.awaitNotes();
  }

  /** The lease's own entry is written: what is held back of it is not needed. */
  forgetNote(leaseId: LeaseId): void {
    this.notes.delete(leaseId);
  }

  /** From now on nothing is held back, and nothing more is waited for. */
  drain(): void {
    this.isDraining = true;
    this.cancelNoteTimer?.();
    this.cancelNoteTimer = null;
    this.bringDueNotes();
    this.ready();
  }

  /**
   * What arrives meanwhile shares the commit. When nothing else is going on, that is what came in the
   * same turn of the event loop; right after another commit it is a moment more, because the hosts
   * that were just answered are about to report.
   */
  gather(lastCommitAt: number): Promise<void> {
    const isBusy = this.clock.now() - lastCommitAt < busyMs;
    return new Promise((done) => {
      if (isBusy && !this.isDraining) this.clock.after(gatherMs, done);
      else this.clock.soon(done);
    });
  }

  /** What one commit holds, in the order it came. */
  take(): Intent[] {
    let results = 0;
    let count = 0;
    for (const intent of this.pending) {
      results += intent.kind === 'report' ? resultsIn(intent.reported) : 1;
      if (count > 0 && results > resultsPerCommitMax) break;
      count++;
    }
    return this.pending.splice(0, count);
  }

  private awaitNotes(): void {
    this.cancelNoteTimer ??= this.clock.after(noteDelayMs, () => {
      this.cancelNoteTimer = null;
      this.bringDueNotes();
      this.ready();
      if (this.notes.size > 0) this.awaitNotes();
    });
  }

  /** Ahead of the reports: what a lease's holder did comes after the lease. */
  private bringDueNotes(): void {
    const now = this.clock.now();
    const due: NoteIntent[] = [];
    for (const [key, note] of this.notes) {
      // Further off than any is held back it is only when the clock was set back: then it is due.
      const isHeldBack = note.due > now && note.due <= now + noteDelayMs;
      if (isHeldBack && !this.isDraining) break;
      due.push(note);
      this.notes.delete(key);
    }
    this.pending.unshift(...due);
  }
}

const resultsIn = ({ successes, results }: Reported): number =>
  (successes?.fuel.length ?? 0) + results.length;
