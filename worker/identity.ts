/**
 * Who this worker is: an account and a host, each an Ed25519 key, made without a question at the first
 * join. `account.pem` is the volunteer; `host-….pem` is this machine and stays here. A host belongs to
 * one account for good, so its file is named after the account.
 *
 * On a host that was linked to an account elsewhere there is `account-link.json` instead: the account's
 * public key, and its certificate for this host. It goes before an `account.pem` of the host's own.
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
  const link = await readLink(storage);
  if (link !== null) return await linkedIdentity(storage, keys, link);
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

/** Who can sign for the account here: its own key, or a host's that it has certified. */
export type Signer =
  | { kind: 'account'; key: SigningKey }
  | { kind: 'host'; key: SigningKey; accountKey: Uint8Array; certificate: Uint8Array };

/** For the account that this place earns for; null when there is none yet. Makes nothing. */
export async function openSigner(storage: Reading, keys: Keys): Promise<Signer | null> {
  const link = await readLink(storage);
  if (link === null) {
    const isThere = (await storage.read('account.pem')) !== null;
    return isThere ? { kind: 'account', key: await readKey(storage, keys, 'account.pem') } : null;
  }
  const { accountKey } = link;
  return { kind: 'host', key: await readKey(storage, keys, hostFileOf(accountKey)), ...link };
}

type Reading = Pick<Storage, 'read'>;

/** Makes this place a host of the account that certified the key, from the next start on. */
export async function adoptAccount(
  storage: Storage,
  host: SigningKey,
  accountKey: Uint8Array,
  certificate: Uint8Array,
): Promise<void> {
  const text = new TextEncoder();
  // The link last: with it the key has to be there.
  await storage.write(hostFileOf(accountKey), text.encode(host.pem));
  const link = { accountKey: hexOf(accountKey), certificate: hexOf(certificate) };
  await storage.write(linkFile, text.encode(`${JSON.stringify(link)}\n`));
}

const linkFile = 'account-link.json';
type Link = { accountKey: Uint8Array; certificate: Uint8Array };

async function readLink(storage: Reading): Promise<Link | null> {
  const stored = await storage.read(linkFile);
  if (stored === null) return null;
  try {
    const link = JSON.parse(new TextDecoder().decode(stored));
    return { accountKey: fromHex(link.accountKey), certificate: fromHex(link.certificate) };
  } catch (cause) {
    throw new PlaceUnusable(`${linkFile} is no link: link this host again, or move it away`, {
      cause,
    });
  }
}

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

async function linkedIdentity(
  storage: Storage,
  keys: Keys,
  { accountKey, certificate }: Link,
): Promise<Identity> {
  const key = await readKey(storage, keys, hostFileOf(accountKey));
  return {
    isNew: false,
    hostKey: key.publicKey,
    accountKey,
    certificate,
    signSession: (gridId, nonce) => key.sign(sessionBytes(gridId, nonce)),
  };
}

const hostFileOf = (accountKey: Uint8Array): string =>
  `host-${hexOf(accountKey.subarray(0, 8))}.pem`;

async function openKey(
  storage: Storage,
  keys: Keys,
  name: string,
): Promise<{ key: SigningKey; isNew: boolean }> {
  if ((await storage.read(name)) !== null)
    return { key: await readKey(storage, keys, name), isNew: false };
  const key = await keys.create();
  await storage.write(name, new TextEncoder().encode(key.pem));
  return { key, isNew: true };
}

/**
 * A key file that is there but cannot be read is an error and never replaced: the account's credit
 * hangs on it.
 */
async function readKey(storage: Reading, keys: Keys, name: string): Promise<SigningKey> {
  const stored = await storage.read(name);
  if (stored === null)
    throw new PlaceUnusable(`${name} is gone, and ${linkFile} is for it: link this host again`);
  try {
    return await keys.open(new TextDecoder().decode(stored));
  } catch (cause) {
    throw new PlaceUnusable(`${name} holds no Ed25519 key: restore it, or move it away`, {
      cause,
    });
  }
}
