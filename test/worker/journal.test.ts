import { appendFile, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Journal, type JournalEntry, openJournal } from '../../worker/journal.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import type { Storage } from '../../worker/platform/platform.ts';
import { aFolder } from './join.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await aFolder();
  path = join(folder, 'journal');
});

const settled = (unit: number): JournalEntry => ({ type: 'settled', leaseId: 'l', units: [unit] });
const nothing = () => [];

/** Opens the journal, does something with it, and returns what was in it at the start. */
async function use(
  act: (journal: Journal) => Promise<unknown> = async () => undefined,
  snapshot: () => JournalEntry[] = nothing,
  wrap: (storage: Storage) => Storage = (storage) => storage,
): Promise<JournalEntry[]> {
  const storage = await nodePlatform.openStorage(folder);
  const { entries, journal } = await openJournal(
    wrap(storage),
    nodePlatform.sha256,
    'journal',
    snapshot,
  );
  await act(journal);
  await journal.close();
  await storage.close();
  return entries;
}

test('what was appended is there the next time, in its order', async () => {
  expect(await use((journal) => journal.append(settled(1)))).toEqual([]);
  expect(await use((journal) => journal.append(settled(2)))).toEqual([settled(1)]);
  expect(await use()).toEqual([settled(1), settled(2)]);
});

test('bytes in an entry survive as bytes', async () => {
  const result: JournalEntry = {
    type: 'result',
    result: {
      leaseId: 'l',
      uploadBytes: 0,
      result: {
        unit: 1,
        outcome: 'success',
        exitCode: 0,
        fuel: Number.MAX_SAFE_INTEGER,
        digest: Buffer.alloc(32, 3),
        output: Buffer.from('out'),
        detail: '',
        wallMs: 5,
      },
    },
  };
  await use((journal) => journal.append(result));
  expect(await use()).toEqual([result]);
});

test('many appends at once are all kept', async () => {
  const many = Array.from({ length: 500 }, (_, i) => settled(i));
  await use((journal) => Promise.all(many.map((entry) => journal.append(entry))));
  expect(await use()).toEqual(many);
});

describe('a last entry that was cut off by a power failure', () => {
  test.each([1, 7, 8, 20])(
    'is dropped, %i bytes short, and the journal goes on',
    async (missing) => {
      await use((journal) => journal.append(settled(1)));
      const whole = (await stat(path)).size;
      await use((journal) => journal.append(settled(2)));
      const size = (await stat(path)).size;
      await truncate(path, Math.max(whole, size - missing));
      expect(await use((journal) => journal.append(settled(3)))).toEqual([settled(1)]);
      expect(await use()).toEqual([settled(1), settled(3)]);
    },
  );

  test('is dropped when its bytes are not those that were written', async () => {
    await use((journal) => journal.append(settled(1)));
    const entry = await readFile(path);
    entry[entry.length - 1] = 99;
    await appendFile(path, entry);
    expect(await use()).toEqual([settled(1)]);
  });
});

test('a journal that is mostly history is written anew from what is still alive', async () => {
  const alive = settled(7);
  const long: JournalEntry = { type: 'settled', leaseId: 'x'.repeat(100_000), units: [] };
  await use(
    async (journal) => {
      for (let i = 0; i < 12; i++) await journal.append(long);
      await journal.append(settled(8));
    },
    () => [alive],
  );
  expect((await stat(path)).size).toBeLessThan(300_000);
  const entries = await use();
  expect(entries[0]).toEqual(alive);
  expect(entries.at(-1)).toEqual(settled(8));
});

test('after a full disk the journal recovers: nothing behind half an entry is lost', async () => {
  const alive: JournalEntry[] = [];
  let isFull = false;
  const fillable = (storage: Storage): Storage => ({
    ...storage,
    openAppend: async (name) => {
      const file = await storage.openAppend(name);
      return {
        ...file,
        append: async (bytes) => {
          if (!isFull) return file.append(bytes);
          await file.append(bytes.subarray(0, 5));
          throw new Error('ENOSPC');
        },
      };
    },
  });
  await use(
    async (journal) => {
      const append = (entry: JournalEntry) => {
        alive.push(entry);
        return journal.append(entry);
      };
      await append(settled(1));
      isFull = true;
      await expect(append(settled(2))).rejects.toThrow('ENOSPC');
      isFull = false;
      await append(settled(3));
    },
    () => alive,
    fillable,
  );
  const entries = await use();
  expect(entries).toEqual(expect.arrayContaining([settled(1), settled(2), settled(3)]));
});
