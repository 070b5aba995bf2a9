/**
 * The operator's doors: tokens, hosts, kernels, curated jobs, settings, and the log of it all. Each takes
 * a token with the scope `operate`.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import {
  type AccountId,
  accountIdSchema,
  type Digest,
  digestSchema,
  type HostId,
  hostIdSchema,
} from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { settingsChangeSchema } from '../../protocol/operation.ts';
import { actSchema, tokenRequestSchema } from '../../protocol/tokens.ts';
import { readAuditLog } from '../flow/audit-log.ts';
import { authorize } from '../flow/authorize.ts';
import { ban, listBans, unban } from '../flow/ban.ts';
import type { Context } from '../flow/context.ts';
import { curateJob } from '../flow/curate.ts';
import { listDisabledKernels } from '../flow/disabled-kernels.ts';
import { type ConnectedHost, listHosts } from '../flow/list-hosts.ts';
import { disableKernel, enableKernel } from '../flow/pause.ts';
import { changeSettings, readSettings } from '../flow/settings.ts';
import { showJob } from '../flow/show.ts';
import { createToken, listTokens, revokeToken } from '../flow/tokens.ts';
import { vouch } from '../flow/vouch.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOf } from './body.ts';

/** As many connected hosts as a person looks through. */
const hostsMax = 1000;

export function operatorRoutes(
  server: FastifyInstance,
  context: Context,
  hosts: { count(): number; connected(max: number): ConnectedHost[] },
): void {
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

  server.get('/v1/hosts', async (request) => {
    await operator(request);
    const query = z.object({ after: cursorSchema }).safeParse(request.query);
    if (!query.success) throw new GridError('bad_request', 'after: expected what `more` said.');
    const here = { count: hosts.count(), connected: hosts.connected(hostsMax) };
    return listHosts(context, here, await listBans(context), query.data.after);
  });
  server.post('/v1/hosts/:id/ban', async (request) => {
    const by = await operator(request);
    return ban(context, by, holderOf(request), bodyOf(actSchema, request).reason);
  });
  server.post('/v1/hosts/:id/unban', async (request) => {
    const by = await operator(request);
    return unban(context, by, holderOf(request), bodyOf(actSchema, request).reason);
  });

  for (const [verb, isAnchor] of [
    ['vouch', true],
    ['unvouch', false],
  ] as const) {
    server.post(`/v1/hosts/:id/${verb}`, async (request) => {
      const by = await operator(request);
      return vouch(context, by, idOf(request), isAnchor, bodyOf(actSchema, request).reason);
    });
  }

  server.get('/v1/kernels/disabled', async (request) => {
    await operator(request);
    return { kernels: await listDisabledKernels(context) };
  });
  server.post('/v1/kernels/:id/disable', async (request) => {
    const by = await operator(request);
    await disableKernel(context, by, digestOf(request), bodyOf(actSchema, request).reason);
    return { kernels: await listDisabledKernels(context) };
  });
  server.post('/v1/kernels/:id/enable', async (request) => {
    const by = await operator(request);
    const digest = digestOf(request);
    const { reason } = bodyOf(actSchema, request);
    if (!(await enableKernel(context, by, digest, reason)))
      throw new GridError('kernel_not_disabled', digest);
    return { kernels: await listDisabledKernels(context) };
  });

  for (const [verb, curated] of [
    ['curate', true],
    ['uncurate', false],
  ] as const) {
    server.post(`/v1/jobs/:id/${verb}`, async (request) => {
      const by = await operator(request);
      const jobId = idOf(request);
      await curateJob(context, by, jobId, curated, bodyOf(actSchema, request).reason);
      return showJob(context, jobId);
    });
  }

  server.get('/v1/settings', async (request) => {
    await operator(request);
    return readSettings(context);
  });
  server.patch('/v1/settings', async (request) => {
    const by = await operator(request);
    return changeSettings(context, by, bodyOf(settingsChangeSchema, request));
  });

  server.get('/v1/audit-log', async (request) => {
    await operator(request);
    const { before, max } = pageOf(request);
    return readAuditLog(context, before, max);
  });
}

function parsedId<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const parsed = schema.safeParse((request.params as { id: string }).id);
  if (parsed.success) return parsed.data;
  throw new GridError('bad_request', parsed.error.issues[0]?.message ?? '');
}
const holderOf = (request: FastifyRequest): HostId | AccountId => parsedId(holderSchema, request);
const holderSchema = z.union([hostIdSchema, accountIdSchema], {
  error: 'Expected the id of a host like h0123456789abcdef, or of an account.',
});
const digestOf = (request: FastifyRequest): Digest => parsedId(digestSchema, request);

/** Redis's own, of 64 bits. */
const cursorSchema = z
  .string()
  .regex(/^[0-9]{1,20}$/)
  .nullable()
  .default(null);

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
