/**
 * The operator's token: made at the first start, kept in the data folder where only its owner can
 * read it, and known to the grid by its hash. Should the folder and the grid disagree (a new folder
 * on an old Redis), the folder's token is made known: whoever owns the folder runs the grid.
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tokenHash } from './flow/authorize.ts';
import type { Store } from './store/store.ts';

export type OperatorToken = {
  path: string;
  /** The token itself at the first start, to be shown once; null afterwards. */
  fresh: string | null;
};

export async function openOperatorToken(
  store: Store,
  dataDir: string,
  now: number,
): Promise<OperatorToken> {
  const path = join(dataDir, 'operator.token');
  const kept = await readFile(path, 'utf8').catch(() => null);
  const token = kept?.trim() ?? `mh_${randomBytes(32).toString('base64url')}`;
  if (kept === null) await writeFile(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
  const hash = tokenHash(token);
  if ((await store.findToken(hash)) === null) {
    const tokenId = hash.slice(0, 12);
    await store.saveToken(hash, { tokenId, name: 'operator', scopes: ['operate'], createdAt: now });
  }
  return { path, fresh: kept === null ? token : null };
}
