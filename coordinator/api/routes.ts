/** The HTTP door: parse, authorize, one flow step, reply. The table below is all there is. */
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { errorBody, errorFacts, GridError } from '../../protocol/errors.ts';
import type { ResultLine } from '../../protocol/http.ts';
import { jobIdSchema } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { actSchema } from '../../protocol/tokens.ts';
import { protocolVersion } from '../../protocol/version.ts';
import { overviewPage } from '../../web/overview-page.ts';
import type { DiskRoom } from '../artifacts/disk-room.ts';
import { isOperator } from '../domain/token.ts';
import { assertSeen, authorize, authorizeForJob, listViewer, readerOf } from '../flow/authorize.ts';
import { cancelJob } from '../flow/cancel.ts';
import type { Context } from '../flow/context.ts';
import { assertCredit } from '../flow/fund.ts';
import type { ConnectedHost } from '../flow/list-hosts.ts';
import { pauseJob, resumeJob } from '../flow/pause.ts';
import { removeJob } from '../flow/remove-job.ts';
import { openResults, openRevocations } from '../flow/results.ts';
import { listJobs, showJob } from '../flow/show.ts';
import { standings } from '../flow/standings.ts';
import { type PrepareKernel, submitJob } from '../flow/submit.ts';
import { artifactRoutes } from './artifact-routes.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOf } from './body.ts';
import { toGridError } from './grid-error.ts';
import { jobCursorOf, writeJobCursor } from './job-cursor.ts';
import { type Books, ledgerRoutes } from './ledger-routes.ts';
import { bodyOfLines } from './lines.ts';
import { linkRoutes } from './link-routes.ts';
import { type Metrics, metricsRoutes } from './metrics-routes.ts';
import { operatorRoutes } from './operator-routes.ts';
import { limitRequests } from './request-limits.ts';
import { standingRoutes } from './standing-routes.ts';
import type { Tally } from './tally.ts';
import { teamRoutes } from './team-routes.ts';
import { type WhyParts, whyRoutes } from './why-routes.ts';

/** As many rows as a terminal shows; `after` brings more. */
const rowsMax = 100;

export type HttpParts = {
  context: Context;
  books: Books;
  prepareKernel: PrepareKernel;
  hosts(): number;
  why: WhyParts;
  /** Some of the hosts that are connected, the newest first. */
  connected(max: number): ConnectedHost[];
  isReady(): boolean;
  /** Where uploads are written. */
  room: DiskRoom;
  metrics: Metrics;
  tally: Tally;
  version: string;
  log: Logger;
};

export function makeHttpServer(parts: HttpParts): FastifyInstance {
  const { context, log } = parts;
  const server: FastifyInstance = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // A line a request would drown what matters; failures are logged where they are answered.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.documentBytesMax,
    // An idle keep-alive connection must not hold up a shutdown.
    forceCloseConnections: true,
    // An address that does not decode never reaches a route, and so not the handler below either.
    frameworkErrors: (error, request, reply) => refuse(error, request, reply),
  });
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const told = known(error);
    parts.tally.refused('http', told.code);
    return sendError(told, error, request, reply);
  };
  server.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    refuse(new GridError('route_unknown', `${request.method} ${request.url}`), request, reply),
  );

  limitRequests(server, context);
  server.get('/healthz', async () => ({ status: 'alive' }));
  server.get('/readyz', async () => {
    if (!parts.isReady()) throw new GridError('unavailable');
    // Any small question to the storage: whether it answers is what is asked.
    await context.store.ledger.head();
    return { status: 'ready' };
  });

  server.get('/', async (request, reply) => {
    const after = jobCursorOf(request);
    const [{ jobs, more }, rows] = await Promise.all([
      listJobs(context, 20, null, after),
      standings(context, 20),
    ]);
    const page = overviewPage({
      jobs,
      older: more === null ? null : writeJobCursor(more),
      isFirst: after === null,
      standings: rows,
      hosts: parts.hosts(),
      now: context.now(),
    });
    return reply.type('text/html; charset=utf-8').send(page);
  });

  server.get('/v1/grid', async () => ({
    gridId: context.grid.gridId,
    publicKey: Buffer.from(parts.books.publicKey).toString('base64url'),
    version: parts.version,
    protocol: protocolVersion,
    hosts: parts.hosts(),
    jobs: (await listJobs(context, rowsMax, null)).jobs.length,
  }));
  standingRoutes(server, context);

  server.post('/v1/jobs', async (request, reply) => {
    const by = await authorize(context, bearerToken(request), 'submit');
    const { tokenId, accountId } = by;
    const curated = isOperator(by);
    if (!curated) await assertCredit(context, accountId);
    const submission = { tokenId, accountId, key: idempotencyKey(request), curated };
    const submitted = await submitJob(context, parts.prepareKernel, request.body, submission);
    return reply.status(201).send(submitted);
  });
  server.get('/v1/jobs', async (request) => {
    const viewer = await listViewer(context, bearerToken(request));
    const { jobs, more } = await listJobs(context, rowsMax, viewer, jobCursorOf(request));
    return { jobs, more: more === null ? null : writeJobCursor(more) };
  });
  server.get('/v1/jobs/:jobId', async (request) => {
    const jobId = jobIdOf(request);
    await assertSeen(context, bearerToken(request), jobId);
    return showJob(context, jobId);
  });
  server.get('/v1/jobs/:jobId/document', async (request) => {
    const jobId = jobIdOf(request);
    await assertSeen(context, bearerToken(request), jobId);
    return { jobId, document: (await context.jobs.facts(jobId))?.document };
  });
  server.post('/v1/jobs/:jobId/cancel', async (request) => {
    const jobId = jobIdOf(request);
    const by = await authorizeForJob(context, bearerToken(request), jobId, 'change');
    await cancelJob(context, jobId, by, bodyOf(actSchema, request).reason);
    return showJob(context, jobId);
  });
  server.post('/v1/jobs/:jobId/pause', async (request) => {
    const jobId = jobIdOf(request);
    const by = await authorizeForJob(context, bearerToken(request), jobId, 'change');
    await pauseJob(context, jobId, by, bodyOf(actSchema, request).reason);
    return showJob(context, jobId);
  });
  server.post('/v1/jobs/:jobId/resume', async (request) => {
    const jobId = jobIdOf(request);
    const by = await authorizeForJob(context, bearerToken(request), jobId, 'change');
    await resumeJob(context, jobId, by, bodyOf(actSchema, request).reason);
    return showJob(context, jobId);
  });
  server.post('/v1/jobs/:jobId/remove', async (request) => {
    const jobId = jobIdOf(request);
    const by = await authorizeForJob(context, bearerToken(request), jobId, 'change');
    const last = await showJob(context, jobId);
    await removeJob(context, jobId, by, bodyOf(actSchema, request).reason);
    return last;
  });
  server.get('/v1/jobs/:jobId/results', async (request, reply) => {
    const jobId = jobIdOf(request);
    const reader = await readerOf(context, bearerToken(request), jobId);
    const results = await openResults(context, jobId, count(request, 'from'));
    return reply
      .type('application/jsonl; charset=utf-8')
      .send(await bodyOfLines(jsonl(seen(reader, results))));
  });

  server.get('/v1/jobs/:jobId/revocations', async (request, reply) => {
    const jobId = jobIdOf(request);
    const reader = await readerOf(context, bearerToken(request), jobId);
    const revoked = await openRevocations(context, jobId, count(request, 'after'));
    return reply
      .type('application/jsonl; charset=utf-8')
      .send(await bodyOfLines(jsonl(seen(reader, revoked))));
  });

  metricsRoutes(server, context, parts.metrics);
  operatorRoutes(server, context, { count: parts.hosts, connected: parts.connected });
  ledgerRoutes(server, context, parts.books);
  linkRoutes(server, context);
  teamRoutes(server, context);
  whyRoutes(server, context, parts.why);
  artifactRoutes(server, context, parts.room);
  return server;
}

/** What the reader may see of a job's results: of another's, those that nobody can be asked to check any more. */
async function* seen<Line extends ResultLine>(
  { seesAll }: { seesAll: boolean },
  steps: AsyncIterable<Line[]>,
): AsyncGenerator<Line[]> {
  for await (const lines of steps)
    yield seesAll ? lines : lines.filter(({ verdict }) => verdict === 'final');
}

async function* jsonl(steps: AsyncIterable<unknown[]>): AsyncGenerator<string> {
  for await (const rows of steps)
    if (rows.length > 0) yield rows.map((row) => JSON.stringify(row)).join('\n');
}

function sendError(
  told: GridError,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (told.code === 'internal')
    request.log.error({ err: error, url: request.url }, 'a request failed');
  if (told.retryAfterMs !== null) reply.header('retry-after', Math.ceil(told.retryAfterMs / 1000));
  return reply.status(errorFacts(told.code).httpStatus).send(errorBody(told));
}

/** Fastify's own refusals (a body too large, no JSON) in our words; anything else as everywhere. */
function known(error: unknown): GridError {
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (error instanceof GridError || status < 400 || status >= 500) return toGridError(error);
  const message = error instanceof Error ? error.message : String(error);
  return new GridError(status === 413 ? 'too_large' : 'bad_request', message);
}

function jobIdOf(request: FastifyRequest): string {
  const { jobId } = request.params as { jobId: string };
  if (!jobIdSchema.safeParse(jobId).success) throw new GridError('job_unknown', jobId);
  return jobId;
}

function count(request: FastifyRequest, name: 'from' | 'after'): number {
  const { [name]: text = '0' } = request.query as Record<string, unknown>;
  const parsed = z.coerce.number().int().min(0).safeParse(text);
  if (!parsed.success) throw new GridError('bad_request', `${name}: expected a whole number.`);
  return parsed.data;
}

function idempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key.length > 200) {
    throw new GridError('bad_request', 'Idempotency-Key: expected at most 200 characters.');
  }
  return key;
}
