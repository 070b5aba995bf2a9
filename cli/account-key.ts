/**
 * Requests that only the volunteer may make, signed for the account that this machine earns for: by the
 * account's key, or on a machine that was linked to an account elsewhere by the host's key, with the
 * account's certificate. An `account.pem` from before the link is not used.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requestBytes } from '../protocol/identity.ts';
import { openSigner, type Signer } from '../worker/identity.ts';
import { nodePlatform } from '../worker/platform/node.ts';
import { PlaceUnusable } from '../worker/platform/platform.ts';
import { cannotRead } from './files.ts';
import { unusableFolder } from './unusable-folder.ts';

/** The value of `Authorization` for one request, made now. */
export async function signedRequest(
  dataDir: string,
  gridId: string,
  method: string,
  path: string,
): Promise<string> {
  const signer = await findSigner(dataDir);
  const at = Date.now();
  const signature = text(await signer.key.sign(requestBytes(gridId, method, path, at)));
  const key = text(signer.key.publicKey);
  if (signer.kind === 'account') return `Account ${key}.${at}.${signature}`;
  const { accountKey, certificate } = signer;
  return `Host ${key}.${text(accountKey)}.${text(certificate)}.${at}.${signature}`;
}

/** A worker may be running in the folder, so it is read without taking it. */
export async function findSigner(dataDir: string): Promise<Signer> {
  const storage = { read: (name: string) => readIfThere(join(dataDir, name)) };
  const signer = await openSigner(storage, nodePlatform.keys).catch((error) => {
    throw error instanceof PlaceUnusable ? unusableFolder(dataDir, error) : error;
  });
  if (signer !== null) return signer;
  throw cannotRead(join(dataDir, 'account.pem'), { code: 'ENOENT' });
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cannotRead(path, error);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
