/**
 * Why a job, a unit or a host waits. Open to everybody, as what a public job looks like is; whoever knows the id of a
 * host has it from its volunteer. Single units are for the job's scientist: a host that asked of a unit it has in
 * hand would learn whether it is a check.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import { hostIdSchema } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { Surroundings } from '../domain/why.ts';
import { assertSeen, authorizeForJob } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { explainHost, explainJob, explainUnit, type SessionFacts } from '../flow/why.ts';
import { bearerToken } from './bearer-token.ts';

/** What the sessions know. */
export type WhyParts = {
  surroundings(): Surroundings;
  session(hostId: string): SessionFacts;
};

export function whyRoutes(server: FastifyInstance, context: Context, parts: WhyParts): void {
  const param = (request: FastifyRequest, name: string): string =>
    (request.params as Record<string, string>)[name] ?? '';

  server.get('/v1/jobs/:id/why', async (request) => {
    const jobId = param(request, 'id');
    await assertSeen(context, bearerToken(request), jobId);
    return explainJob(context, parts.surroundings(), jobId);
  });
  server.get('/v1/jobs/:id/units/:unit/why', async (request) => {
    const unit = param(request, 'unit');
    if (!/^(0|[1-9][0-9]{0,12})$/.test(unit) || Number(unit) > limits.unitsPerJobMax)
      throw new GridError('unit_unknown', 'Expected the index of a unit.');
    const jobId = param(request, 'id');
    await authorizeForJob(context, bearerToken(request), jobId, 'own');
    return explainUnit(context, parts.surroundings(), jobId, Number(unit));
  });
  server.get('/v1/hosts/:id/why', async (request) => {
    const hostId = param(request, 'id');
    if (!hostIdSchema.safeParse(hostId).success)
      throw new GridError('bad_request', 'Expected the id of a host like h0123456789abcdef.');
    return explainHost(context, parts.surroundings(), hostId, parts.session(hostId));
  });
}
