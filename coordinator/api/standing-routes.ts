/** The viewers' doors: leaderboards, and one row of them with its history. They take none but for private jobs. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GridError } from '../../protocol/errors.ts';
import { standingKinds } from '../domain/standing.ts';
import { assertSeen } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { countryStandings, place, standings, teamStandings } from '../flow/standings.ts';
import { bearerToken } from './bearer-token.ts';

/** As many rows as a page or a terminal shows. */
const rowsMax = 100;

const querySchema = z.object({
  teams: z.enum(['0', '1']).default('0'),
  countries: z.enum(['0', '1']).default('0'),
  by: z.enum(['total', 'recent']).default('total'),
});

export function standingRoutes(server: FastifyInstance, context: Context): void {
  server.get('/v1/leaderboard', async (request) => {
    const query = querySchema.safeParse(request.query);
    if (!query.success)
      throw new GridError('bad_request', 'teams, countries: 0 or 1; by: total or recent.');
    const { teams, countries, by } = query.data;
    if (countries === '1') return { standings: await countryStandings(context, rowsMax, by) };
    const rows = teams === '1' ? teamStandings : standings;
    return { standings: await rows(context, rowsMax, by) };
  });

  server.get('/v1/standings/:kind/:id', async (request) => {
    const { kind: text, id } = request.params as { kind: string; id: string };
    const kind = standingKinds.find((candidate) => candidate === text);
    if (kind === undefined) throw new GridError('standing_unknown', `${text} ${id}`);
    if (kind === 'job') await assertSeen(context, bearerToken(request), id);
    return place(context, kind, id);
  });
}
