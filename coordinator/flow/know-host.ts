/**
 * know: what there is to say of a host that has said hello. One that has a record is looked up, and what
 * has changed about it is noted: a host that is not what it was is audited more for a while. A newcomer is
 * written down with its first results, not before: a key costs nothing to make.
 */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { Capacity } from '../domain/capacities.ts';
import type { HostRecord } from '../domain/trust/docket.ts';
import { boostOnChange, stranger } from '../domain/trust/reliability.ts';
import type { Context } from './context.ts';

type KnowContext = Pick<Context, 'store' | 'knownHosts' | 'capacities' | 'now'>;

/**
 * `network` is null when it is not known: then the host is on one of its own. Returns what the host can take.
 */
export async function knowHost(
  { store, knownHosts, capacities, now }: KnowContext,
  { hostId, accountId }: { hostId: HostId; accountId: AccountId },
  seen: { network: string | null; runtime: string; threads: number },
): Promise<Capacity> {
  const { trust } = store;
  const { runtime, threads } = seen;
  const network = seen.network ?? hostId;
  for (;;) {
    const version = await trust.version();
    const known = (await trust.read('hosts', [hostId])).get(hostId);
    const accounts = await trust.read('accounts', [accountId]);
    const host: HostRecord =
      known === undefined
        ? { accountId, network, runtime, isAnchor: false, record: stranger(now()) }
        : { ...known, network, runtime };
    if (known !== undefined && (known.network !== network || known.runtime !== runtime)) {
      host.record = boostOnChange(known.record, known, { network, runtime }, now());
      const isWritten = await trust.write(version, [
        { table: 'hosts', field: hostId, value: host },
      ]);
      if (!isWritten) continue;
    }
    knownHosts.tell(new Map([[hostId, host]]), accounts);
    return capacities.welcome({
      hostId,
      accountId,
      threads,
      speed: host.speed ?? null,
      results: host.record.results,
      accountResults: accounts.get(accountId)?.results ?? 0,
    });
  }
}
