/**
 * Units that an account tried without deciding them rest before it gets them again, longer each time,
 * so that one broken machine cannot use up a unit's tries while others could do it right. A rest, not
 * a ban: should nobody else come, the unit is offered again, and no unit waits for ever.
 */
import type { AccountId } from '../../protocol/ids.ts';

/** 5 s, then 10, 20 … 5 min: eight tries of one account take about ten minutes. */
const firstMs = 5000;
const lastMs = 300_000;

export class Rests {
  private readonly rests = new Map<number, Map<AccountId, { tries: number; until: number }>>();

  /** Whether no unit rests for anybody: then there is nothing to look at. */
  get isEmpty(): boolean {
    return this.rests.size === 0;
  }

  /**
   * `tries` is how many replicas of the account have ended by now. One that is reported again makes no
   * new try: a host that repeats itself would keep its account waiting for as long as it does.
   */
  tried(position: number, accountId: AccountId, tries: number, now: number): void {
    const accounts = this.rests.get(position) ?? new Map();
    if (tries <= (accounts.get(accountId)?.tries ?? 0)) return;
    accounts.set(accountId, { tries, until: now + Math.min(firstMs * 2 ** (tries - 1), lastMs) });
    this.rests.set(position, accounts);
  }

  isResting(position: number, accountId: AccountId, now: number): boolean {
    const until = this.rests.get(position)?.get(accountId)?.until ?? 0;
    // Further off than the longest rest it is only when the clock was set back: then it is over.
    return now < until && until <= now + lastMs;
  }

  decided(position: number): void {
    this.rests.delete(position);
  }
}
