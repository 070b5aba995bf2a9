/**
 * Requests that only an account's owner may make: signed by the account's key, which is the account, or by
 * a host's key that it has certified. There is nothing to register and no secret to keep but the one that
 * earns. Who signed it is told.
 *
 *   Authorization: Account <account key>.<milliseconds since 1970>.<signature>, in base64url
 *   Authorization: Host <host key>.<account key>.<certificate>.<milliseconds since 1970>.<signature>
 *
 * A host may ask what it could do by its hello anyway, which names a team, and see what it has earned.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { certificateBytes, requestBytes } from '../../protocol/identity.ts';
import { type AccountId, idFromBytes } from '../../protocol/ids.ts';
import { isSigned } from '../tokens/signature.ts';
import type { Context } from './context.ts';

/** Clocks at home are wrong by minutes; a request that was overheard is of use for no longer. */
const skewMsMax = 5 * 60_000;

/** Throws GridError `request_unsigned`; of a host that is banned, `host_banned`. */
export async function authorizeAccount(
  { grid, store, now }: Context,
  request: { authorization: string | undefined; method: string; path: string },
): Promise<AccountId> {
  const { authorization = '', method, path } = request;
  const signer = signerOf(authorization);
  if (signer === null) throw new GridError('request_unsigned');
  const { key, at, signature, accountKey, certificate } = signer;
  if (Math.abs(now() - at) > skewMsMax) {
    const minutes = Math.round((at - now()) / 60_000);
    throw new GridError(
      'request_unsigned',
      `It was signed at a time that is ${minutes} minutes from now: set the clock right.`,
    );
  }
  if (!isSigned(requestBytes(grid.gridId, method, path, at), key, signature))
    throw new GridError('request_unsigned', 'Its signature is not that key’s.');
  const accountId = idFromBytes('a', sha256(accountKey));
  if (certificate === null) return accountId;
  if (!isSigned(certificateBytes(key), accountKey, certificate))
    throw new GridError('request_unsigned', 'Its certificate is not that account’s.');
  const banned = await store.registry.findBan([idFromBytes('h', sha256(key)), accountId]);
  if (banned !== null) throw new GridError('host_banned', banned.reason);
  return accountId;
}

type Signer = {
  key: Uint8Array;
  accountKey: Uint8Array;
  /** Null when the key is the account's. */
  certificate: Uint8Array | null;
  at: number;
  signature: Uint8Array;
};

function signerOf(authorization: string): Signer | null {
  const form =
    /^(?:account +([\w-]{43})|host +([\w-]{43})\.([\w-]{43})\.([\w-]{86}))\.(\d{1,15})\.([\w-]{86})$/i;
  const found = form.exec(authorization);
  if (found === null) return null;
  const bytes = (part: number) => Buffer.from(found[part] ?? '', 'base64url');
  const common = { at: Number(found[5]), signature: bytes(6) };
  if (found[1] !== undefined)
    return { key: bytes(1), accountKey: bytes(1), certificate: null, ...common };
  return { key: bytes(2), accountKey: bytes(3), certificate: bytes(4), ...common };
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
