/**
 * The results that the units of a shard were accepted with, by position, of which few are asked for: a
 * check is about one unit in twenty. To decode all of a journal for them cost more than the checks did.
 *
 * Nearly all journals hold nothing but leases whose units succeeded and were accepted at once, in one
 * tuple (journal.ts). Of each unit it is noted where that tuple begins, and where its lease does, by
 * stepping over the others; a journal that holds anything else is decoded as a whole when it is asked.
 */
import { resultsAccepted } from './decided-units.ts';
import { type Ended, glanceAt, resultAt } from './journal.ts';
import { stepOver } from './step-over.ts';

/** By position, where a tuple begins, and one more; 0 where there is none. */
type Starts = { accepted: Uint32Array; leased: Uint32Array };

export class AcceptedResults {
  private readonly journal: Uint8Array;
  /** Null when the journal is decoded as a whole. */
  private readonly starts: Starts | null;
  private all: Map<number, Ended> | null = null;

  /** `units`: how many the shard has. */
  constructor(journal: Uint8Array, units: number) {
    this.journal = journal;
    this.starts = findStarts(journal, units);
  }

  /** Whether all units were accepted at once, so that nothing else was recorded of any. */
  get areAllAtOnce(): boolean {
    return this.starts?.accepted.every((start) => start > 0) ?? false;
  }

  find(position: number): Ended | undefined {
    const { journal, starts } = this;
    if (this.all !== null || starts === null) return this.decoded.get(position);
    const start = starts.accepted[position] ?? 0;
    if (start === 0) return undefined;
    const leased = (starts.leased[position] ?? 0) - 1;
    return resultAt(journal, start - 1, position, leased) ?? this.decoded.get(position);
  }

  private get decoded(): Map<number, Ended> {
    this.all ??= resultsAccepted(this.journal);
    return this.all;
  }
}

function findStarts(journal: Uint8Array, units: number): Starts | null {
  const starts = { accepted: new Uint32Array(units), leased: new Uint32Array(units) };
  for (let at = 0; at < journal.length; at = stepOver(journal, at)) {
    const tuple = glanceAt(journal, at);
    if (tuple === null) return null;
    const { kind, positions } = tuple;
    if (kind !== 'released') mark(starts[kind], positions, at + 1);
  }
  return starts;
}

function mark(starts: Uint32Array, positions: readonly number[], start: number): void {
  for (let i = 0; i < positions.length; i += 2) {
    const from = positions[i] as number;
    starts.fill(start, from, from + (positions[i + 1] as number));
  }
}
