/**
 * A coordinator's own id, kept in its data folder. It is the name under which it locks shards: after
 * a crash the same coordinator finds them locked by itself and goes on at once.
 */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function lastingId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'coordinator.id');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    // The first start, or an operator who wants a new one.
    const id = `c${randomBytes(10).toString('hex')}`;
    await writeFile(path, `${id}\n`, { mode: 0o600 });
    return id;
  }
}
