/**
 * The operator's token: made at the first start, kept in the data folder where only its owner can
 * read it, and known to the grid by its hash. Should the folder and the grid disagree (a new folder
 * on an old Redis), the folder's token is made known: whoever owns the folder runs the grid. For the
 * same reason one that was revoked is replaced by a fresh one at the next start.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idFromBytes } from '../protocol/ids.ts';
import { tokenState } from './domain/token.ts';
import type { Store } from './store/store.ts';

export type OperatorToken = {
  path: string;
  /** The token itself when it is new, to be shown once; null afterwards. */
  fresh: string | null;
};

export async function openOperatorToken(
  { registry }: Store,
  dataDir: string,
  now: number,
): Promise<OperatorToken> {
  const path = join(dataDir, 'operator.token');
  const kept = (await readFile(path, 'utf8').catch(() => null))?.trim() ?? null;
  const known = kept === null ? null : await registry.findToken(hashOf(kept).toString('hex'));
  if (kept !== null && known !== null && tokenState(known, now) === 'valid')
    return { path, fresh: null };
  const isKept = kept !== null && known === null;
  const token = isKept ? kept : `mh_${randomBytes(32).toString('base64url')}`;
  if (!isKept) {
    await writeFile(`${path}.new`, `${token}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
  const hash = hashOf(token);
  await registry.saveToken(hash.toString('hex'), {
    tokenId: idFromBytes('k', hash),
    name: 'operator',
    scopes: ['operate'],
    // The folder's token stands for the same account wherever it is made known.
    accountId: idFromBytes('a', hash.subarray(10)),
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
  });
  return { path, fresh: isKept ? null : token };
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
