/**
 * The books' doors: the whole ledger for an operator, receipts and balances for the account that they are about, and
 * why a unit was paid what it was for its job's scientist.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import type { UnitCredit } from '../../protocol/http.ts';
import type { AccountId, JobId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { authorize, authorizeForJob } from '../flow/authorize.ts';
import { authorizeAccount } from '../flow/authorize-account.ts';
import { readBalance } from '../flow/balance.ts';
import type { Context } from '../flow/context.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOfLines } from './lines.ts';

/** What the routes ask for; everything up to now is in the answers. */
export type Books = {
  /** The grid's Ed25519 key, raw. */
  publicKey: Uint8Array;
  ledger(): Promise<AsyncIterable<string>>;
  receipts(accountId: AccountId): Promise<AsyncIterable<string>>;
  explainCredit(jobId: JobId, unit: number): Promise<UnitCredit>;
};

export function ledgerRoutes(server: FastifyInstance, context: Context, books: Books): void {
  server.get('/v1/ledger', async (request, reply) => {
    await authorize(context, bearerToken(request), 'operate');
    return sendLines(reply, await books.ledger());
  });

  server.get('/v1/balance', async (request) => {
    const { method, url, headers } = request;
    const token = bearerToken(request);
    if (token !== null) {
      const { accountId } = await authorize(context, token, 'read', 'submit');
      return readBalance(context, accountId);
    }
    const signed = { authorization: headers.authorization, method, path: url };
    return readBalance(context, await authorizeAccount(context, signed));
  });

  server.get('/v1/receipts', async (request, reply) => {
    const { method, url, headers } = request;
    const signed = { authorization: headers.authorization, method, path: url };
    return sendLines(reply, await books.receipts(await authorizeAccount(context, signed)));
  });

  server.get('/v1/jobs/:jobId/units/:unit/credit', async (request) => {
    const { jobId, unit } = request.params as { jobId: string; unit: string };
    if (!/^(0|[1-9][0-9]{0,12})$/.test(unit) || Number(unit) > limits.unitsPerJobMax) {
      throw new GridError('unit_unknown', 'Expected the index of a unit.');
    }
    await authorizeForJob(context, bearerToken(request), jobId, 'own');
    return books.explainCredit(jobId, Number(unit));
  });
}

const sendLines = async (
  reply: FastifyReply,
  lines: AsyncIterable<string>,
): Promise<FastifyReply> =>
  reply.type('application/jsonl; charset=utf-8').send(await bodyOfLines(lines));
