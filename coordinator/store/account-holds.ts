/**
 * The holds of accounts, as a sweep over results or credit asks for them: read once for each account and day,
 * some hundred at a time, and kept for the sweep.
 */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { dayOf } from '../domain/day.ts';
import { endOf } from '../domain/hold.ts';
import type { AccountHold } from '../domain/trust/finality.ts';
import { holdMsMax, holdResults } from '../domain/trust/policy.ts';
import { stranger } from '../domain/trust/reliability.ts';
import { marksOf, type TrustStore } from './trust-store.ts';

type Tables = Pick<TrustStore, 'read' | 'readAll'>;

export class AccountHolds {
  private readonly trust: Tables;
  private readonly now: number;
  private readonly swept: ReadonlySet<AccountId>;
  private readonly known = new Map<string, AccountHold>();

  private constructor(trust: Tables, now: number, swept: ReadonlySet<AccountId>) {
    this.trust = trust;
    this.now = now;
    this.swept = swept;
  }

  static async open(trust: Tables, now: number): Promise<AccountHolds> {
    const sweeps: Iterable<HostId> = (await trust.readAll('sweeps')).keys();
    const hosts = await trust.read('hosts', sweeps);
    return new AccountHolds(
      trust,
      now,
      new Set([...hosts.values()].map(({ accountId }) => accountId)),
    );
  }

  /** For what these accounts had recorded by the end of a day. */
  async of(accountIds: Iterable<AccountId>, day: number): Promise<Map<AccountId, AccountHold>> {
    const all = [...new Set(accountIds)];
    await this.look(
      all.filter((id) => !this.known.has(`${day} ${id}`)),
      day,
    );
    return new Map(
      all.flatMap((id) => {
        const hold = this.known.get(`${day} ${id}`);
        return hold === undefined ? [] : [[id, hold]];
      }),
    );
  }

  private async look(accountIds: readonly AccountId[], day: number): Promise<void> {
    if (accountIds.length === 0) return;
    const accounts = await this.trust.read('accounts', accountIds);
    const recordedAt = endOf(day);
    // Of the others the number of later results decides nothing.
    const counted = accountIds.filter((id) => (accounts.get(id)?.results ?? 0) >= holdResults);
    const isOld = this.now - recordedAt >= holdMsMax;
    const later = isOld ? new Map<AccountId, number>() : await this.resultsBy(counted, day);
    for (const id of accountIds) {
      // Nothing was ever drawn of one that has no record: it counts as one that came and left.
      const account = accounts.get(id) ?? stranger(recordedAt);
      const before = later.get(id) ?? account.results;
      const laterResults = account.results - before;
      const isSwept = this.swept.has(id);
      this.known.set(`${day} ${id}`, { account, recordedAt, laterResults, isSwept });
    }
  }

  /** How many results they had when the day ended, or the next day on which they made some; none when that is today. */
  private async resultsBy(
    accountIds: readonly AccountId[],
    day: number,
  ): Promise<Map<AccountId, number>> {
    const found = new Map<AccountId, number>();
    for (let at = day; at < dayOf(this.now) && found.size < accountIds.length; at++) {
      const missing = accountIds.filter((id) => !found.has(id));
      for (const [id, results] of await this.trust.read(marksOf(at), missing))
        found.set(id, results);
    }
    return found;
  }
}
