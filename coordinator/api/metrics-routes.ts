/**
 * The door of whoever watches the coordinator: GET /metrics, in Prometheus's text format, for a token with
 * the scope `metrics`. Not for the machine itself without one: behind a proxy every request comes
 * from the machine itself. The paths that are told are the routes' own, so strangers cannot add to them.
 */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { bearerToken } from './bearer-token.ts';

export type Metrics = {
  contentType: string;
  /** Everything at this moment, as text. */
  read(): Promise<string>;
  /** A request was answered. */
  answered(what: { method: string; route: string; status: number; seconds: number }): void;
};

export function metricsRoutes(server: FastifyInstance, context: Context, metrics: Metrics): void {
  server.addHook('onResponse', async (request, reply) => {
    metrics.answered({
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
  server.get('/metrics', async (request, reply) => {
    await authorize(context, bearerToken(request), 'metrics');
    return reply.type(metrics.contentType).send(await metrics.read());
  });
}
