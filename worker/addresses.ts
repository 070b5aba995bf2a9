/**
 * Where the coordinators of a grid are, and which of them is asked next. One is as good as another: whoever lost one
 * asks those that it has not asked yet, soon, and waits with a back-off when it has asked all of them in vain. Which is
 * asked first is drawn, so that volunteers who were given the same list are spread over it.
 */
import { backoffMs } from './backoff.ts';

/** Hosts that lost the same coordinator in the same instant do not come to the next one in one instant. */
const soonMsMax = 500;

export class Addresses {
  private readonly all: readonly string[];
  private readonly random: () => number;
  private at: number;
  private triedInVain = 0;

  /** At least one. `random` is in [0, 1). */
  constructor(
    all: readonly string[],
    random: () => number = Math.random,
    first = Math.floor(random() * all.length),
  ) {
    this.all = all;
    this.random = random;
    this.at = first;
  }

  /** Who is asked now. */
  get current(): string {
    const address = this.all[this.at];
    if (address === undefined) throw new Error('a grid has an address');
    return address;
  }

  get areSeveral(): boolean {
    return this.all.length > 1;
  }

  /** Whether somebody is left to ask before the next back-off, when this one says no. */
  get areLeft(): boolean {
    return (this.triedInVain + 1) % this.all.length !== 0;
  }

  /** The one asked now was a good one: the next trouble starts at the first back-off. */
  held(): void {
    this.triedInVain = 0;
  }

  /** On to the next; returns how long to wait before it is asked. */
  next(): number {
    const isSoon = this.areLeft;
    this.triedInVain++;
    this.at = (this.at + 1) % this.all.length;
    if (isSoon) return Math.round(soonMsMax * this.random());
    return backoffMs(this.triedInVain / this.all.length - 1, this.random());
  }
}
