/** The archive on disk: what was written comes back byte for byte, and what a disk did to it is found out. */
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Journal } from '../../../coordinator/store/archive-files.ts';
import { ArchiveFolder } from '../../../coordinator/store/archive-folder.ts';
import type { JobRecord } from '../../../coordinator/store/job-file.ts';
import { ArchiveDamaged } from '../../../coordinator/store/store.ts';
import { SmallDisk } from '../../support/small-disk.ts';
import { aJob, hostId, jobId } from '../builders.ts';

const job = jobId(1);
const group = { kind: 'splits', number: 3 } as const;

let folder: string;
let archive: ArchiveFolder;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mh-archive-'));
  archive = await ArchiveFolder.open(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'jobs', job, 'splits-000003.journals');
const bytesOf = (number: number) => Buffer.from(`journal ${number} `.repeat(number * 50));
async function* journals(...numbers: number[]): AsyncGenerator<Journal> {
  for (const number of numbers) yield { number, bytes: bytesOf(number) };
}

test('a journal comes back as it was written, and none for a shard that had none', async () => {
  await archive.writeGroup(job, group, journals(0, 193, 194, 255));
  const found = [193, 255, 0, 200].map((number) => archive.readJournal(job, group, number));
  const [one, last, empty, none] = await Promise.all(found);
  expect(Buffer.from(one ?? [])).toEqual(bytesOf(193));
  expect(Buffer.from(last ?? [])).toEqual(bytesOf(255));
  expect(empty).toHaveLength(0);
  expect(none).toHaveLength(0);
});

test('the file says what it is, takes less room, and is the same when it is written again', async () => {
  await archive.writeGroup(job, group, journals(193, 255));
  const first = readFileSync(path());
  expect(first.toString('latin1')).toMatch(/^manyhands journals 1\n/);
  expect(first.length).toBeLessThan(bytesOf(193).length);
  await archive.writeGroup(job, group, journals(193, 255));
  expect(readFileSync(path())).toEqual(first);
  expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
});

test('what a crash left half written goes with a start a day later, and nothing else does', async () => {
  await archive.writeGroup(job, group, journals(193));
  for (const name of ['half', 'of another']) writeFileSync(join(folder, 'incoming', name), 'man');
  const longAgo = new Date(Date.now() - 2 * 86_400_000);
  utimesSync(join(folder, 'incoming', 'half'), longAgo, longAgo);
  const again = await ArchiveFolder.open(folder);
  expect(readdirSync(join(folder, 'incoming'))).toEqual(['of another']);
  expect(await again.readJournal(job, group, 193)).toHaveLength(bytesOf(193).length);
});

test('journals that cannot be read to their end leave no file behind', async () => {
  async function* broken(): AsyncGenerator<Journal> {
    yield* journals(193);
    throw new Error('Redis is away');
  }
  await expect(archive.writeGroup(job, group, broken())).rejects.toThrow('Redis is away');
  expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
  expect(readdirSync(join(folder, 'jobs'))).toEqual([]);
});

describe('a file that was harmed is told by its name', () => {
  const harms: [string, () => void, string][] = [
    ['is gone', () => rmSync(path()), 'ENOENT'],
    ['is cut off', () => truncateSync(path(), readFileSync(path()).length - 1), 'cut off'],
    ['is empty', () => truncateSync(path(), 0), 'cut off'],
    ['goes on', () => appendFileSync(path(), '\n'), 'cut off'],
    ['has another byte in a journal', () => flip(100), 'shard 193'],
    ['has another byte in its index', () => flip(readFileSync(path()).length - 100), 'index'],
  ];
  test.each(harms)('when it %s', async (_, harm, told) => {
    await archive.writeGroup(job, group, journals(193, 194));
    harm();
    const fresh = await ArchiveFolder.open(folder);
    const asked = fresh.readJournal(job, group, 193);
    await expect(asked).rejects.toBeInstanceOf(ArchiveDamaged);
    await expect(asked).rejects.toThrow(path());
    await expect(asked).rejects.toThrow(told);
  });

  test('one journal that is harmed leaves the others readable', async () => {
    await archive.writeGroup(job, group, journals(193, 194));
    flip(100);
    expect(await archive.readJournal(job, group, 194)).toHaveLength(bytesOf(194).length);
  });

  test('a file that belongs to another job', async () => {
    await archive.writeGroup(jobId(2), group, journals(193));
    await archive.writeGroup(job, group, journals(193));
    writeFileSync(path(), readFileSync(path().replace(job, jobId(2))));
    const fresh = await ArchiveFolder.open(folder);
    await expect(fresh.readJournal(job, group, 193)).rejects.toThrow(`of the job ${jobId(2)}`);
  });
});

describe('a job', () => {
  const facts = aJob({ jobId: job });
  const counts = {
    ...{ cursor: 8, shards: 2, shardsOpen: 0, canonical: 8, failed: 0, shardsFinal: 2, final: 8 },
    shardsSettled: 2,
    fuel: 2n ** 70n,
    creditMicro: 2n ** 60n,
  };
  const times = { endedAt: 2, decidedAt: 1, finalAt: 3, marks: [], unchecked: 0 };
  const record: JobRecord = {
    job: { ...facts, state: 'complete', counts, ...times, pauses: {}, curated: true },
    amendments: [[5, { shard: 2, position: 0, hostId: hostId(7) }]],
    revoked: [5],
    archived: Uint8Array.of(0x80),
  };
  const file = () => join(folder, 'jobs', job, 'job.json');

  test('comes back as it was written; of another one there is none', async () => {
    await archive.writeJob(record);
    const fresh = await ArchiveFolder.open(folder);
    for (const from of [archive, fresh]) {
      const { archived, ...rest } = (await from.readJob(job)) ?? record;
      expect({ ...rest, archived: Uint8Array.from(archived) }).toEqual(record);
      expect(await from.readJob(jobId(2))).toBeNull();
    }
    rmSync(file());
    expect(await archive.readJob(job)).toBeNull();
  });

  test('whose file was harmed is told by its name', async () => {
    await archive.writeJob(record);
    for (const harm of ['{"kind"', '{"kinp"', '']) {
      writeFileSync(file(), harm === '' ? '' : `${harm}${readFileSync(file(), 'utf8').slice(7)}x`);
      const asked = ArchiveFolder.open(folder).then((fresh) => fresh.readJob(job));
      await expect(asked).rejects.toBeInstanceOf(ArchiveDamaged);
      await expect(asked).rejects.toThrow(file());
    }
  });
});

/** Changes a byte of the file. */
function flip(at: number): void {
  const bytes = readFileSync(path());
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path(), bytes);
}

test('a group for which there is no room is not written, what was there stays, and it is written when there is room', async ({
  skip,
}) => {
  const disk = await SmallDisk.mount(folder, 1);
  if (disk === null) return skip('no disk can be mounted here without root');
  try {
    const small = await ArchiveFolder.open(join(disk.seen, 'archive'));
    await small.writeGroup(job, group, journals(193));
    writeFileSync(join(disk.seen, 'ballast'), Buffer.alloc(900 * 1024));
    async function* large(): AsyncGenerator<Journal> {
      for (let number = 0; number < 64; number++)
        yield { number, bytes: crypto.getRandomValues(new Uint8Array(16_384)) };
    }
    const other = { ...group, number: 4 };
    await expect(small.writeGroup(job, other, large())).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(readdirSync(join(disk.seen, 'archive', 'incoming'))).toEqual([]);
    expect(await small.readJournal(job, group, 193)).toHaveLength(bytesOf(193).length);
    rmSync(join(disk.seen, 'ballast'));
    await small.writeGroup(job, other, journals(256));
    expect(await small.readJournal(job, other, 256)).toHaveLength(bytesOf(256).length);
  } finally {
    await disk.unmount();
  }
});
