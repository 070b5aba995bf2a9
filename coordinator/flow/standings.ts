/** rank: the leaderboards, best first, and where one of them stands. */
import { GridError } from '../../protocol/errors.ts';
import type { CountryStanding, Place, Standing, TeamStanding } from '../../protocol/http.ts';
import { dayMs, dayOf } from '../domain/day.ts';
import { racMicroPerDay, type StandingKind } from '../domain/standing.ts';
import { daysKept, type StandingOrder, type StandingRow } from '../store/ledger-store.ts';
import type { Context } from './context.ts';

export async function standings(
  context: Context,
  max: number,
  order: StandingOrder = 'total',
): Promise<Standing[]> {
  const { store } = context;
  const rows = await store.ledger.standings('volunteer', order, 0, max);
  const names = await store.accounts.names(rows.map(({ id }) => id));
  return rows.map((row, i) => ({
    rank: i + 1,
    accountId: row.id,
    name: names[i] || 'anonymous',
    ...earned(context, row),
  }));
}

export async function teamStandings(
  context: Context,
  max: number,
  order: StandingOrder,
): Promise<TeamStanding[]> {
  const { store } = context;
  const rows = await store.ledger.standings('team', order, 0, max);
  const names = await store.accounts.teamNames(rows.map(({ id }) => id));
  return rows.map((row, i) => ({
    rank: i + 1,
    teamId: row.id,
    name: names[i] ?? row.id,
    ...earned(context, row),
  }));
}

export async function countryStandings(
  context: Context,
  max: number,
  order: StandingOrder,
): Promise<CountryStanding[]> {
  const rows = await context.store.ledger.standings('country', order, 0, max);
  return rows.map((row, i) => ({ rank: i + 1, country: row.id, ...earned(context, row) }));
}

/** Throws GridError `standing_unknown`. */
export async function place(context: Context, kind: StandingKind, id: string): Promise<Place> {
  const { ledger } = context.store;
  const today = dayOf(context.now());
  const days = Array.from({ length: daysKept }, (_, i) => today - daysKept + 1 + i);
  const [row, rank, rankRecent, byDay] = await Promise.all([
    ledger.standing(kind, id),
    ledger.rank(kind, 'total', id),
    ledger.rank(kind, 'recent', id),
    ledger.earnedByDay(kind, id, days),
  ]);
  if (row === null || rank === null) throw new GridError('standing_unknown', `${kind} ${id}`);
  return {
    id,
    ...earned(context, row),
    rank,
    rankRecent,
    days: days.map((day, i) => ({
      day: new Date(day * dayMs).toISOString().slice(0, 10),
      creditMicro: (byDay[i] ?? 0n).toString(),
    })),
  };
}

const earned = ({ now }: Context, { creditMicro, recent, units }: StandingRow) => ({
  creditMicro: creditMicro.toString(),
  rac: Math.round(racMicroPerDay(recent, now())).toString(),
  units,
});
