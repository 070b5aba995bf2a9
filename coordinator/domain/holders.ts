/**
 * Under which leases each unit of a shard is out. Nearly always it is one; at the end of a job a unit that
 * takes long may be out two or three times.
 */
export class Holders<Lease> {
  private readonly first: (Lease | undefined)[];
  private readonly further = new Map<number, Lease[]>();

  constructor(units: number) {
    this.first = new Array(units);
  }

  isOut(position: number): boolean {
    return this.first[position] !== undefined;
  }

  has(position: number, lease: Lease): boolean {
    return (
      this.first[position] === lease ||
      (this.further.size > 0 && this.further.get(position)?.includes(lease) === true)
    );
  }

  of(position: number): Lease[] {
    const first = this.first[position];
    return first === undefined ? [] : [first, ...(this.further.get(position) ?? [])];
  }

  add(position: number, lease: Lease): void {
    if (this.first[position] === undefined) this.first[position] = lease;
    else this.further.set(position, [...(this.further.get(position) ?? []), lease]);
  }

  /** False when it was not out under this lease. */
  remove(position: number, lease: Lease): boolean {
    if (!this.has(position, lease)) return false;
    if (this.further.size === 0) {
      this.first[position] = undefined;
      return true;
    }
    const [first, ...others] = this.of(position).filter((one) => one !== lease);
    this.first[position] = first;
    if (others.length > 0) this.further.set(position, others);
    else this.further.delete(position);
    return true;
  }
}
