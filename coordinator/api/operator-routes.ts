/** The operator's doors: tokens and the audit log. Each takes a token with the scope `operate`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { actSchema, tokenRequestSchema } from '../../protocol/tokens.ts';
import { readAuditLog } from '../flow/audit-log.ts';
import { authorize } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { createToken, listTokens, revokeToken } from '../flow/tokens.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOf } from './body.ts';

export function operatorRoutes(server: FastifyInstance, context: Context): void {
  const operator = (request: FastifyRequest) => authorize(context, bearerToken(request), 'operate');
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;

  server.post('/v1/tokens', async (request, reply) => {
    const by = await operator(request);
    const fresh = await createToken(context, by, bodyOf(tokenRequestSchema, request));
    return reply.status(201).send(fresh);
  });
  server.get('/v1/tokens', async (request) => {
    await operator(request);
    return { tokens: await listTokens(context) };
  });
  server.post('/v1/tokens/:id/revoke', async (request) => {
    const by = await operator(request);
    return revokeToken(context, by, idOf(request), bodyOf(actSchema, request).reason);
  });

  server.get('/v1/audit-log', async (request) => {
    await operator(request);
    const { before, max } = pageOf(request);
    return readAuditLog(context, before, max);
  });
}

/** Redis's ids: a time and a count. */
const entryId = z.string().regex(/^[0-9]{1,16}-[0-9]{1,16}$/, 'expected the id of an entry');
const pageSchema = z.object({
  before: entryId.nullable().default(null),
  max: z.coerce
    .number()
    .int()
    .min(1)
    .max(limits.auditEntriesMax, `expected at most ${limits.auditEntriesMax}`)
    .default(limits.auditEntriesMax),
});

function pageOf(request: FastifyRequest) {
  const parsed = pageSchema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  throw new GridError('bad_request', '', { issues: issuesOf(parsed.error) });
}
