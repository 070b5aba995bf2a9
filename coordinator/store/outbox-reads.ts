/** How far the outbox of each partition has been read, by whichever of its readers is furthest. */
export class OutboxReads {
  private readonly numbers = new Map<number, number>();

  /** All up to this number was read. */
  note(partition: number, number: number): void {
    this.numbers.set(partition, Math.max(number, this.upTo(partition)));
  }

  upTo(partition: number): number {
    return this.numbers.get(partition) ?? 0;
  }
}
