/**
 * Who this worker is: two Ed25519 keys, made without a question at the first join. `account.pem` is
 * the volunteer and may be copied to their other machines, which then earn for the same account;
 * `host-….pem` is this machine and stays here. A host belongs to one account for good, so its file
 * is named after the account: who puts another account.pem in place gets another host with it.
 */
import { certificateBytes, sessionBytes } from '../protocol/identity.ts';
import { hexOf } from './digest.ts';
import { type Keys, PlaceUnusable, type SigningKey, type Storage } from './platform/platform.ts';

export interface Identity {
  /** True when the account was made just now. */
  isNew: boolean;
  hostKey: Uint8Array;
  accountKey: Uint8Array;
  /** The account's word that this host computes for it. */
  certificate: Uint8Array;
  /** The host's word that it is the one in this session. */
  signSession(gridId: string, nonce: Uint8Array): Promise<Uint8Array>;
}

export async function openIdentity(storage: Storage, keys: Keys): Promise<Identity> {
  const account = await openKey(storage, keys, 'account.pem');
  const host = await openKey(storage, keys, hostFileOf(account.key.publicKey));
  return {
    isNew: account.isNew,
    hostKey: host.key.publicKey,
    accountKey: account.key.publicKey,
    certificate: await account.key.sign(certificateBytes(host.key.publicKey)),
    signSession: (gridId, nonce) => host.key.sign(sessionBytes(gridId, nonce)),
  };
}

const hostFileOf = (accountKey: Uint8Array): string =>
  `host-${hexOf(accountKey.subarray(0, 8))}.pem`;

/**
 * A key file that is there but cannot be read is an error and never replaced: the account's credit
 * hangs on it.
 */
async function openKey(
  storage: Storage,
  keys: Keys,
  name: string,
): Promise<{ key: SigningKey; isNew: boolean }> {
  const stored = await storage.read(name);
  if (stored === null) {
    const key = await keys.create();
    await storage.write(name, new TextEncoder().encode(key.pem));
    return { key, isNew: true };
  }
  try {
    return { key: await keys.open(new TextDecoder().decode(stored)), isNew: false };
  } catch (cause) {
    throw new PlaceUnusable(`${name} holds no Ed25519 key: restore it, or move it away`, {
      cause,
    });
  }
}
