/**
 * So many tries in a while, for each of those who try: the generic cell rate algorithm (ITU-T I.371), which
 * keeps one number each. All of them may come at once, and then one every `perMs / max`.
 */
export class Tries {
  private readonly betweenMs: number;
  private readonly perMs: number;
  /** When whoever tried would be at zero again. */
  private readonly paidUntil = new Map<string, number>();

  constructor(max: number, perMs: number) {
    this.betweenMs = perMs / max;
    this.perMs = perMs;
  }

  /** Null when it may be; else how long to wait, in ms. A try that was refused does not count. */
  take(who: string, now: number): number | null {
    const known = this.paidUntil.get(who) ?? now;
    // Beyond the while it is only when the clock was set back: then it begins anew.
    const from = known > now + this.perMs ? now : Math.max(known, now);
    const until = from + this.betweenMs;
    const over = until - now - this.perMs;
    // Rounding of the division above, not a try too many.
    if (over > 1e-6) return Math.ceil(over);
    this.paidUntil.delete(who);
    this.paidUntil.set(who, until);
    const [oldest] = this.paidUntil.keys();
    if (this.paidUntil.size > rememberedMax && oldest !== undefined) this.paidUntil.delete(oldest);
    return null;
  }
}

/** A megabyte or so. Whoever has more networks than this is stopped by other limits. */
const rememberedMax = 10_000;
