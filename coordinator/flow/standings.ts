/** rank: the leaderboard, best first. */
import type { Standing } from '../../protocol/http.ts';
import { racMicroPerDay } from '../domain/standing.ts';
import type { Context } from './context.ts';

export async function standings(context: Context, max: number): Promise<Standing[]> {
  const rows = await context.store.standings(max);
  return rows.map(({ accountId, name, creditMicro, weighted, units }, i) => ({
    rank: i + 1,
    accountId,
    name: name === '' ? 'anonymous' : name,
    creditMicro: creditMicro.toString(),
    rac: Math.round(racMicroPerDay(weighted, context.now(), context.grid.createdAt)).toString(),
    units,
  }));
}
