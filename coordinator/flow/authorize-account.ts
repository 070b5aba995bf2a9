/**
 * Requests that only an account's owner may make: signed by the account's key, which is the account.
 * There is nothing to register and no secret to keep but the one that earns. Who signed it is told.
 *
 *   Authorization: Account <account key>.<milliseconds since 1970>.<signature>, in base64url
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { requestBytes } from '../../protocol/identity.ts';
import { type AccountId, idFromBytes } from '../../protocol/ids.ts';
import { isSigned } from '../tokens/signature.ts';
import type { Context } from './context.ts';

/** Clocks at home are wrong by minutes; a request that was overheard is of use for no longer. */
const skewMsMax = 5 * 60_000;

/** Throws GridError `request_unsigned`. */
export function authorizeAccount(
  { grid, now }: Context,
  request: { authorization: string | undefined; method: string; path: string },
): AccountId {
  const { authorization = '', method, path } = request;
  const form = /^account +([\w-]{43})\.(\d{1,15})\.([\w-]{86})$/i;
  const [, key = '', time = '', signature = ''] = form.exec(authorization) ?? [];
  if (key === '') throw new GridError('request_unsigned');
  const at = Number(time);
  if (Math.abs(now() - at) > skewMsMax) {
    const minutes = Math.round((at - now()) / 60_000);
    throw new GridError(
      'request_unsigned',
      `It was signed at a time that is ${minutes} minutes from now: set the clock right.`,
    );
  }
  const accountKey = Buffer.from(key, 'base64url');
  const bytes = requestBytes(grid.gridId, method, path, at);
  if (!isSigned(bytes, accountKey, Buffer.from(signature, 'base64url'))) {
    throw new GridError('request_unsigned', 'Its signature is not that key’s.');
  }
  return idFromBytes('a', createHash('sha256').update(accountKey).digest());
}
