/** Units that wait to be given out again, first in first out, some of them not to everyone. */
export class WaitingUnits<Entry> {
  private entries: Entry[] = [];
  private head = 0;

  get size(): number {
    return this.entries.length - this.head;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
  }

  /** The first entry that will do, looking at no more than a few: the others keep their order. */
  take(willDo: (entry: Entry) => boolean): Entry | null {
    const end = Math.min(this.head + lookedAtMax, this.entries.length);
    for (let at = this.head; at < end; at++) {
      const entry = this.entries[at];
      if (entry === undefined || !willDo(entry)) continue;
      this.entries.copyWithin(this.head + 1, this.head, at);
      this.head++;
      if (this.head > compactAt && this.head * 2 > this.entries.length) {
        this.entries = this.entries.slice(this.head);
        this.head = 0;
      }
      return entry;
    }
    return null;
  }
}

/** Who finds nothing among twenty gets a new unit instead. */
const lookedAtMax = 20;
const compactAt = 10_000;
