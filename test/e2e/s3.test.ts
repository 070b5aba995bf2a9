/**
 * Two coordinators on one Redis with artifacts in S3, as processes: what is uploaded at one is used and read at the
 * other, and a server that is killed in the middle of it takes nothing back.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { wat } from '../kernel/support/wat.ts';
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { GridProcesses, type Volunteer } from './processes.ts';

const units = 24;
const outputBytes = 3000;
/** Some tenths of a second, then its arguments and zeros, 3,000 bytes of them: too many to ride in a report. */
const kernel = Buffer.from(
  wat(`(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\00\\01\\00\\00\\b8\\0b\\00\\00")
    (func (export "_start") (local $i i32)
      (loop $again
        (br_if $again (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000000))))
      (drop (call $args (i32.const 32) (i32.const 256)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))`),
);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const digest = `sha256:${sha256(kernel)}`;

/** Seconds when the machine is idle; several times as long when everything else is tested as well. */
vi.setConfig({ testTimeout: 180_000 });

let redis: PrivateRedis;
let s3: S3Server;
let shared: string;
let first: GridProcesses;
let second: GridProcesses;
let volunteers: Volunteer[];

const start = (grid: GridProcesses, artifacts = 's3://grid/ours') =>
  grid.startCoordinator({
    args: ['--redis', redis.url, '--shared-folder', shared, '--artifacts', artifacts],
    env: s3.env,
  });

beforeEach(async () => {
  [redis, s3] = await Promise.all([startPrivateRedis(), startS3Server()]);
  shared = mkdtempSync(join(tmpdir(), 'mh-shared-'));
  [first, second] = [new GridProcesses(), new GridProcesses()];
  await Promise.all([start(first), start(second)]);
  volunteers = [];
});
afterEach(async () => {
  await Promise.all([first, second].map((grid) => grid.dispose()));
  await Promise.all([redis.stop(), s3.stop()]);
  rmSync(shared, { recursive: true, force: true });
});

const submit = (grid: GridProcesses) =>
  grid.submit({
    name: 'large outputs',
    kernel: digest,
    units: { range: { count: units } },
    run: { args: ['unit {index}'] },
    limits: { memoryBytesMax: 1024 * 1024, outputBytesMax: 4096 },
  });

async function outputsAt(grid: GridProcesses, jobId: string): Promise<Map<number, string>> {
  const lines = await grid.results(jobId);
  return new Map(lines.map(({ unit, output }) => [unit, String(output)]));
}

const outputOf = (unit: number) => `kernel\0unit ${unit}\0`.padEnd(outputBytes, '\0');

/** The units that volunteers were told are accepted. */
const acknowledged = (): number[] =>
  volunteers
    .flatMap((volunteer) => volunteer.events())
    .flatMap((event) => (event.type === 'recorded' ? event.verdicts : []))
    .filter(({ verdict }) => verdict === 'accepted')
    .map(({ unit }) => unit);

const failuresAt = async (grid: GridProcesses): Promise<string> => {
  const text = await (await grid.fetch('/metrics')).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('manyhands_artifact_failures'))
    .join();
};

test('[W2] [O6] outputs in S3 are the same at both coordinators, and none that was acknowledged is lost when S3 is killed', async () => {
  await first.put(digest, kernel);
  const jobId = await submit(second);
  volunteers = [first.startVolunteer('amber'), second.startVolunteer('birch')];
  await first.until(jobId, ({ canonical }) => canonical >= 4);

  await s3.kill9();
  const told = acknowledged();
  const refused = await fetch(`${first.url}/v1/artifacts/${digest}`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  // Long enough for each volunteer to have tried, and for the grid to have gone on without it.
  await vi.waitFor(
    async () => {
      expect(await failuresAt(first)).toMatch(/call="/);
      expect(await failuresAt(second)).toMatch(/call="size"/);
    },
    { timeout: 60_000 },
  );
  const meanwhile = (await first.show(jobId)).canonical;
  await wait(1000);
  expect((await second.show(jobId)).canonical).toBe(meanwhile);
  expect(meanwhile).toBeLessThan(units);
  await s3.restart();

  const job = await second.until(jobId, ({ state }) => state === 'complete');
  expect(job).toMatchObject({ canonical: units, failed: 0 });
  const found = await outputsAt(first, jobId);
  expect([...found]).toEqual(Array.from({ length: units }, (_, unit) => [unit, outputOf(unit)]));
  expect(await outputsAt(second, jobId)).toEqual(found);
  expect(told.every((unit) => found.get(unit) === outputOf(unit))).toBe(true);
  // Nothing but S3 has them.
  for (const folder of [shared, first.folder, second.folder])
    expect(
      readdirSync(folder, { recursive: true }).filter((path) => /\boutput\b/.test(`${path}`)),
    ).toEqual([]);

  // A backup says where artifacts are, and leaves them there.
  const backup = join(first.folder, 'backup');
  const where = ['--redis', redis.url, '--shared-folder', shared];
  const taken = await first.command('backup', backup, '--data', dirname(first.tokenPath), ...where);
  expect(taken).toMatchObject({ code: 0 });
  expect(taken.stderr).toContain('s3://grid/ours');
  expect(existsSync(join(backup, 'artifacts'))).toBe(false);

  const codes = await Promise.all([first, second].map((grid) => grid.stop()));
  expect(codes.flatMap((ended) => ended.codes)).toEqual([0, 0, 0, 0]);
  const log = first.coordinatorLog + second.coordinatorLog;
  expect(log).toContain('the store of artifacts fails');
  expect(log).not.toMatch(/Signature|Credential=/);
});

test('a coordinator with another place for artifacts, or none, is refused and says what to do', async () => {
  const third = new GridProcesses();
  const env = s3.env;
  const begin = (...args: string[]) =>
    third.startCoordinator({
      args: ['--redis', redis.url, '--shared-folder', shared, ...args],
      env,
    });
  await expect(begin()).rejects.toThrow(
    /folder_mismatch[\s\S]*s3:\/\/grid\/ours[\s\S]*--artifacts/,
  );
  await expect(begin('--artifacts', 's3://grid/other')).rejects.toThrow(
    /folder_mismatch[\s\S]*its artifacts are in s3:\/\/grid\/ours/,
  );
  await expect(begin('--artifacts', 's3://nobodys')).rejects.toThrow(
    /artifacts_unusable[\s\S]*there is no such bucket/,
  );
  // Another grid does not take this one's for its own.
  const stranger = third.startCoordinator({ args: ['--artifacts', 's3://grid/ours'], env });
  await expect(stranger).rejects.toThrow(/folder_mismatch[\s\S]*of another grid/);
  await third.dispose();

  // One that has some in its folder does not leave them behind.
  const settled = new GridProcesses();
  const artifacts = join(settled.folder, 'coordinator/artifacts/input/ab');
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, 'ab'.repeat(32)), '');
  await expect(
    settled.startCoordinator({ args: ['--artifacts', 's3://grid/moved'], env }),
  ).rejects.toThrow(/folder_mismatch[\s\S]*aws s3 sync/);
  await settled.dispose();
});
