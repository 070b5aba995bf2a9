/**
 * Who may do what. A bearer token is a random secret whose SHA-256 is stored with its scopes; an
 * upload token is sealed for one host and a limited time, and lets it upload outputs only.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import type { HostId } from '../../protocol/ids.ts';
import type { TokenFacts, TokenScope } from '../store/store.ts';
import type { Context } from './context.ts';

/** A day: sessions live hours, and each reconnection brings a fresh one. */
const uploadTokenMs = 86_400_000;

export const tokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('hex');

/** The token's facts when it has one of the scopes. Throws GridError `unauthorized` or `forbidden`. */
export async function authorize(
  context: Context,
  token: string | null,
  ...scopes: TokenScope[]
): Promise<TokenFacts> {
  if (token === null) throw new GridError('unauthorized');
  const facts = await context.store.findToken(tokenHash(token));
  if (facts === null) throw new GridError('unauthorized', 'This token is not known here.');
  if (!facts.scopes.some((scope) => scopes.includes(scope) || scope === 'operate')) {
    throw new GridError('forbidden', `It takes the scope ${scopes.join(' or ')}.`);
  }
  return facts;
}

export const uploadToken = (context: Context, hostId: HostId): string =>
  context.sealer.seal('upload', [hostId, context.now() + uploadTokenMs]);

/** Whether the token lets a host upload outputs now. */
export function isUploadToken(context: Context, token: string): boolean {
  const facts = context.sealer.open('upload', token);
  return Array.isArray(facts) && typeof facts[1] === 'number' && facts[1] > context.now();
}
