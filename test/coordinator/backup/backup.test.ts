/**
 * A grid is backed up in the middle of its work, and goes on. What comes out of the backup is a grid that
 * has everything that was acknowledged before, and goes on too.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FolderArtifacts } from '../../../coordinator/artifacts/folder-artifacts.ts';
import type { BackupFacts } from '../../../coordinator/backup/facts.ts';
import { restoreBackup } from '../../../coordinator/backup/restore.ts';
import { takeBackup } from '../../../coordinator/backup/take.ts';
import { LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import type { RedisConnection } from '../../../coordinator/redis/connection.ts';
import { ArchiveFolder } from '../../../coordinator/store/archive-folder.ts';
import { entrySchema, ledgerEndSchema } from '../../../protocol/ledger.ts';
import type { Lease } from '../../../protocol/messages.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import {
  aLargeOutput,
  aSuccess,
  joinVolunteer,
  newKeys,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

let grid: RealGrid;
let folder: string;
beforeEach(async () => {
  grid = await startRealGrid();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-backup-')));
});
afterEach(async () => {
  await grid.stop();
  rmSync(folder, { recursive: true, force: true });
});

const backUp = (
  name = 'backup',
  redis: Parameters<typeof takeBackup>[0]['redis'] = redisOf(grid),
): Promise<BackupFacts> =>
  takeBackup({
    dataDir: grid.dataDir,
    redis,
    target: join(folder, name),
    reason: 'a test',
    version: 'test',
    now: Date.now(),
  });
const redisOf = ({ dataDir }: RealGrid): RedisConnection => ({
  path: join(dataDir, 'redis', 'redis.sock'),
});
const restore = (name = 'restored', source = 'backup'): Promise<BackupFacts> =>
  restoreBackup({
    source: join(folder, source),
    dataDir: join(folder, name),
    reason: 'a test',
    now: Date.now(),
    log: () => undefined,
  });

/** Replays the ledger of a grid and holds it to its balances. */
async function verifyLedger(of: RealGrid): Promise<LedgerReplay> {
  const replay = new LedgerReplay();
  const lines = (await (await of.fetch('/v1/ledger')).text()).trim().split('\n');
  for (const line of lines.slice(0, -1)) {
    const hash = createHash('sha256').update(line).digest('hex');
    replay.add(entrySchema.parse(JSON.parse(line)), hash);
  }
  replay.finish(ledgerEndSchema.parse(JSON.parse(lines.at(-1) ?? '')));
  return replay;
}

/** One result, with an output too large for a report. */
async function finishLarge(host: Volunteer): Promise<number> {
  const [lease] = await host.take(1);
  if (lease === undefined) throw new Error('no lease');
  const [unit = -1] = unitsOf(lease);
  const output = aLargeOutput({ stdout: Buffer.alloc(5000, 'x'), files: {} });
  const headers = { authorization: `Bearer ${host.welcome?.uploadToken}` };
  const path = `/v1/artifacts/${output.name}`;
  await grid.fetch(path, { method: 'PUT', body: new Uint8Array(output.bytes), headers });
  const { digest } = output;
  const answer = await host.report(lease.token, [aSuccess(unit, { digest, output: null })]);
  expect(answer).toEqual(['accepted']);
  return unit;
}

test('[O5] a backup taken under load has every result that was acknowledged before it began, and the grid of it goes on', async () => {
  const keys = newKeys();
  const host = await joinVolunteer(grid.url, { keys });
  const jobId = await grid.submit(600);
  const large = await finishLarge(host);
  const acknowledged = new Set([large]);
  const held: Lease[] = [];
  const finishSome = async (to: Volunteer, units: number) => {
    const leases = await to.take(units);
    held.push(...leases);
    expect(new Set(await to.finish(leases))).toEqual(new Set(['accepted']));
    for (const unit of leases.flatMap(unitsOf)) acknowledged.add(unit);
  };
  for (let i = 0; i < 10; i++) await finishSome(host, 10);
  const before = [...acknowledged];

  // Somebody reports all the time while it is taken.
  let isDone = false;
  const busy = (async () => {
    while (!isDone && acknowledged.size < 500) await finishSome(host, 4);
  })();
  const facts = await backUp();
  isDone = true;
  await busy;
  expect(facts).toMatchObject({ backup: 1, format: '4', version: 'test' });
  // Anybody can check it, without us.
  execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: join(folder, 'backup') });

  // The one that was backed up knows of nothing.
  await finishSome(host, 8);
  expect(await grid.results(jobId)).toHaveLength(acknowledged.size);
  await verifyLedger(grid);

  expect(await restore()).toEqual(facts);
  const other = await startRealGrid(join(folder, 'restored'));
  try {
    const lines = await other.results(jobId);
    const found = new Map(lines.map((line) => [line.unit, line]));
    expect(before.filter((unit) => !found.has(unit))).toEqual([]);
    expect(found.get(large)?.output).toBe('x'.repeat(5000));

    // Known hosts, the same tokens, and what is left is done.
    const again = await joinVolunteer(other.url, { keys });
    expect(again.hostId).toBe(host.hostId);
    expect((await fetch(`${other.url}/v1/hosts`, auth(grid.token))).status).toBe(200);
    // What it reports twice counts once; what the grid has forgotten is not in the way.
    await again.finish(held);
    await finishTo(other, again, jobId);
    expect(await other.results(jobId)).toHaveLength(600);
    await vi.waitFor(async () => {
      expect((await verifyLedger(other)).units).toBe(600);
    }, 20_000);
    const log = await (await other.fetch('/v1/audit-log?max=2')).json();
    expect(log).toMatchObject({ entries: [{ act: 'restore' }, { act: 'backup' }] });
  } finally {
    await other.stop();
  }
});

const auth = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

async function finishTo(of: RealGrid, host: Volunteer, jobId: string): Promise<void> {
  while ((await of.show(jobId)).decidedAt === null) {
    host.ask(64);
    const { leases } = await host.next('lease');
    await host.finish(leases);
  }
}

describe('a backup that cannot be used', () => {
  const backupFile = (name: string) => join(folder, 'backup', name);
  const damage: [string, () => void, RegExp][] = [
    ['with a byte changed in the snapshot', () => flip(backupFile('redis.rdb')), /redis\.rdb has/],
    [
      'with an artifact changed',
      () => flip(backupFile(anArtifact())),
      /artifacts\/input\/.* has the digest/,
    ],
    ['with an artifact missing', () => rmSync(backupFile(anArtifact())), /is missing/],
    ['whose list was changed', () => appendFileSync(backupFile('SHA256SUMS'), '\n'), /SHA256SUMS/],
    [
      'whose facts are broken',
      () => writeFileSync(backupFile('backup.json'), '{}'),
      /backup\.json/,
    ],
    ['that was not finished', () => rmSync(backupFile('backup.json')), /finished/],
  ];
  const anArtifact = (): string =>
    readdirSync(join(folder, 'backup'), { recursive: true, encoding: 'utf8' }).find((name) =>
      /^artifacts\/input\/..\/[0-9a-f]{64}$/.test(name),
    ) ?? '';
  const flip = (path: string) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  };

  test.each(damage)('%s is refused, and nothing is left', async (_, harm, why) => {
    await backUp();
    harm();
    await expect(restore()).rejects.toThrow(why);
    const left = existsSync(join(folder, 'restored')) ? readdirSync(join(folder, 'restored')) : [];
    expect(left).toEqual([]);
  });
});

test('nothing is written over, neither by a backup nor by a restore', async () => {
  await backUp();
  await expect(backUp()).rejects.toMatchObject({ code: 'folder_not_empty' });
  await expect(restore('backup')).rejects.toMatchObject({ code: 'folder_not_empty' });
  expect(existsSync(join(folder, 'backup', 'backup.json'))).toBe(true);
});

test('[O5] an output that is aside, named while it was set aside, is in the backup', async () => {
  const host = await joinVolunteer(grid.url);
  const jobId = await grid.submit(2);
  const large = await finishLarge(host);
  const artifacts = await FolderArtifacts.open(join(grid.dataDir, 'artifacts'), true);
  for await (const { shelf, digest } of artifacts.list()) await artifacts.setAside(shelf, digest);
  await backUp();
  await restore();
  const other = await startRealGrid(join(folder, 'restored'));
  try {
    const lines = await other.results(jobId);
    expect(lines).toMatchObject([{ unit: large, output: 'x'.repeat(5000) }]);
  } finally {
    await other.stop();
  }
});

test('journals of a job that came after the snapshot are not in the restored grid', async () => {
  const files = await ArchiveFolder.open(join(grid.dataDir, 'archive'));
  const journals = async function* () {
    yield { number: 0, bytes: Buffer.from('a journal') };
  };
  const [known, later] = [await grid.submit(2), 'j0000000000000007'];
  for (const jobId of [known, later])
    await files.writeGroup(jobId, { kind: 'splits', number: 0 }, journals());
  await backUp();
  await restore();
  expect(readdirSync(join(folder, 'backup', 'archive', 'jobs')).sort()).toEqual(
    [known, later].sort(),
  );
  expect(readdirSync(join(folder, 'restored', 'archive', 'jobs'))).toEqual([known]);
});

test('an artifact that the disk has damaged is found when it is backed up', async () => {
  const digest = grid.kernel.slice('sha256:'.length);
  writeFileSync(join(grid.dataDir, 'artifacts', 'input', digest.slice(0, 2), digest), 'rot');
  await expect(backUp()).rejects.toMatchObject({ code: 'backup_damaged' });
  expect(readdirSync(join(folder, 'backup'))).toEqual([]);
});

test('a grid on a cluster is not backed up by halves: it is refused', async () => {
  const cluster = [{ host: '127.0.0.1', port: 1 }];
  await expect(backUp('backup', { cluster })).rejects.toMatchObject({ code: 'backup_of_cluster' });
});

test('a Redis that is not there is told of, and nothing is left', async () => {
  const nowhere = { host: '127.0.0.1', port: 9 };
  await expect(backUp('backup', nowhere)).rejects.toMatchObject({ code: 'redis_unreachable' });
  expect(existsSync(join(folder, 'backup'))).toBe(false);
});
