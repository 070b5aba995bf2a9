/**
 * A journal, for a step that can do without: null when the file of the archive that it is in is damaged. Whatever
 * looks after all jobs goes on with the others; the archive has told the log.
 */
import type { Shard } from '../domain/shard.ts';
import { ArchiveDamaged, type Store } from './store.ts';

export async function readableJournal(
  store: Pick<Store, 'readJournal'>,
  shard: Shard,
): Promise<Uint8Array | null> {
  try {
    return await store.readJournal(shard);
  } catch (error) {
    if (error instanceof ArchiveDamaged) return null;
    throw error;
  }
}
