/** The key of the volunteer's account, which signs what only they may ask. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestBytes } from '../protocol/identity.ts';
import { nodePlatform } from '../worker/platform/node.ts';
import { cannotRead } from './files.ts';

/** The value of `Authorization` for one request, made now. */
export async function signedRequest(
  dataDir: string,
  gridId: string,
  method: string,
  path: string,
): Promise<string> {
  const key = await nodePlatform.keys.open(readPem(join(dataDir, 'account.pem')));
  const at = Date.now();
  const signature = await key.sign(requestBytes(gridId, method, path, at));
  return `Account ${text(key.publicKey)}.${at}.${text(signature)}`;
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw cannotRead(path, error);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
