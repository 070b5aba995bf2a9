/**
 * Teams. Anybody may look; to found, join and leave takes a request that the account's key signed
 * (flow/authorize-account.ts), so what it asks stands in its method and its path.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { authorizeAccount } from '../flow/authorize-account.ts';
import type { Context } from '../flow/context.ts';
import { foundTeam, joinTeam, leaveTeam, showTeam } from '../flow/teams.ts';

export function teamRoutes(server: FastifyInstance, context: Context): void {
  const signer = ({ method, url, headers }: FastifyRequest) =>
    authorizeAccount(context, { authorization: headers.authorization, method, path: url });
  const nameOf = (request: FastifyRequest) => (request.params as { name: string }).name;

  server.get('/v1/teams/:name', async (request) => showTeam(context, nameOf(request)));
  server.post('/v1/teams/:name', async (request, reply) =>
    reply.status(201).send(await foundTeam(context, await signer(request), nameOf(request))),
  );
  server.post('/v1/teams/:name/members', async (request) =>
    joinTeam(context, await signer(request), nameOf(request)),
  );
  server.delete('/v1/membership', async (request, reply) => {
    await leaveTeam(context, await signer(request));
    return reply.status(204).send();
  });
}
