/** rank: the leaderboard, best first. */
import type { Standing } from '../../protocol/http.ts';
import { racMicroPerDay } from '../domain/standing.ts';
import type { Context } from './context.ts';

export async function standings(context: Context, max: number): Promise<Standing[]> {
  const { store, now } = context;
  const rows = await store.ledger.standings('volunteer', 'total', 0, max);
  const names = await store.names(rows.map(({ id }) => id));
  return rows.map(({ id, creditMicro, recent, units }, i) => ({
    rank: i + 1,
    accountId: id,
    name: names[i] || 'anonymous',
    creditMicro: creditMicro.toString(),
    rac: Math.round(racMicroPerDay(recent, now())).toString(),
    units,
  }));
}
