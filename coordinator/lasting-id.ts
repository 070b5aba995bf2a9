/**
 * A coordinator's own id, kept in its data folder. It is the name under which it locks shards: after
 * a crash the same coordinator finds them locked by itself and goes on at once.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function lastingId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'coordinator.id');
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  // The first start, or an operator who wants a new one.
  const id = `c${randomBytes(10).toString('hex')}`;
  // Whole or not at all: one that was killed here, or had no room, leaves no empty id behind.
  await writeFile(`${path}.new`, `${id}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return id;
}
