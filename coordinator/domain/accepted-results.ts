/**
 * The results that the units of a shard were accepted with, by position, of which few are asked for: a
 * check is about one unit in twenty. To decode all of a journal for them cost more than the checks did.
 *
 * Nearly all journals hold nothing but leases whose units succeeded and were accepted at once, each in one
 * tuple (journal.ts). Of those it is noted where the tuple of each unit begins, by stepping over the
 * others; a journal that holds anything else is decoded as a whole when it is asked.
 */
import { type Ended, resultsAccepted } from './decided-units.ts';
import { acceptedAtOnce } from './journal.ts';
import { stepOver } from './step-over.ts';

export class AcceptedResults {
  private readonly journal: Uint8Array;
  /** By position, one more than where the tuple begins; 0 where there is none. */
  private readonly starts: Uint32Array | null;
  private all: Map<number, Ended> | null = null;

  /** `units`: how many the shard has. */
  constructor(journal: Uint8Array, units: number) {
    this.journal = journal;
    this.starts = findStarts(journal, units);
  }

  find(position: number): Ended | undefined {
    const { journal, starts } = this;
    if (starts === null) {
      this.all ??= resultsAccepted(journal);
      return this.all.get(position);
    }
    const start = (starts[position] ?? 0) - 1;
    if (start < 0) return undefined;
    return resultsAccepted(journal.subarray(start, stepOver(journal, start))).get(position);
  }
}

function findStarts(journal: Uint8Array, units: number): Uint32Array | null {
  const starts = new Uint32Array(units);
  for (let at = 0; at < journal.length; ) {
    const runs = acceptedAtOnce(journal, at);
    if (runs === null) return null;
    for (let i = 0; i < runs.length; i += 2) {
      const from = runs[i] as number;
      starts.fill(at + 1, from, from + (runs[i + 1] as number));
    }
    at = stepOver(journal, at);
  }
  return starts;
}
