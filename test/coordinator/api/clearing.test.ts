/** Artifacts that nothing names any more go, in a folder and in S3; and what is named, or about to be, does not. */
import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { dayMs } from '../../../coordinator/domain/day.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { archiveJournals } from '../../../coordinator/flow/archive-journals.ts';
import { finaliseResults } from '../../../coordinator/flow/finalise-results.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import type { Lease } from '../../../protocol/messages.ts';
import { json, type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { type S3Server, startS3Server } from '../../support/s3-server.ts';
import {
  aLargeOutput,
  aSuccess,
  joinVolunteer,
  unitsOf,
  type Volunteer,
} from '../../support/volunteer.ts';

/** Days in small; but a busy machine has some seconds from an upload to its report. */
const clearing = { everyMs: 200, graceMs: 1000, restMs: 2500 };
const place = { bucket: 'grid', prefix: 'ours/', url: 's3://grid/ours' };

const large = (word: string) => {
  const text = `${word} `.repeat(1000);
  return { ...aLargeOutput({ stdout: Buffer.from(text), files: {} }), text };
};
type Large = ReturnType<typeof large>;

describe.each(['a folder', 'S3'])('artifacts in %s', (kind) => {
  let grid: RealGrid;
  let store: Store;
  let server: S3Server | null = null;
  let host: Volunteer;
  beforeAll(async () => {
    if (kind === 'S3') {
      server = await startS3Server();
      for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    }
    grid = await startRealGrid(mkdtempSync(join(tmpdir(), 'mh-clearing-')), {
      clearing,
      ...(server === null ? {} : { artifacts: place }),
    });
    store = await grid.openStore();
    await store.grid.open({ gridId: '', partitions: 0, createdAt: 0 });
  });
  afterAll(async () => {
    await store.close();
    await grid.stop();
    await server?.stop();
    vi.unstubAllEnvs();
  });

  const names = (): string[] => {
    const folder = server?.folder ?? join(grid.dataDir, 'artifacts');
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  };
  const hexOf = (name: string) => name.slice('sha256:'.length);
  const isThere = (name: string) => names().some((path) => path.includes(hexOf(name)));
  const isAside = (name: string) =>
    names().some((path) => path.includes('aside') && path.includes(hexOf(name)));
  /** Two rounds that began from now on are over. */
  const rounds = async () => {
    for (let i = 0; i < 3; i++) {
      const last = await store.grid.lastClearing();
      while ((await store.grid.lastClearing()) === last) await wait(20);
    }
  };
  const gone = (name: string) =>
    vi.waitFor(() => expect(isThere(name)).toBe(false), { timeout: 20_000, interval: 50 });

  const upload = async ({ name, bytes }: Large) => {
    const headers = { authorization: `Bearer ${host.welcome?.uploadToken}` };
    const body = new Uint8Array(bytes);
    const reply = await grid.fetch(`/v1/artifacts/${name}`, { method: 'PUT', body, headers });
    expect(reply.status).toBe(201);
  };
  const report = (lease: Lease, ...outputs: Large[]) =>
    host.report(
      lease.token,
      unitsOf(lease).map((unit) => {
        const { digest } = outputs[unit] as Large;
        return aSuccess(unit, { digest, output: null });
      }),
    );
  const leaseOf = async (): Promise<Lease> => {
    const [lease] = await host.take(1);
    if (lease === undefined) throw new Error('no lease');
    return lease;
  };
  const finish = async (jobId: string, ...outputs: Large[]) => {
    for (const output of outputs) await upload(output);
    for (const _ of outputs) {
      const lease = await leaseOf();
      expect(lease.jobId).toBe(jobId);
      expect(await report(lease, ...outputs)).toEqual(['accepted']);
    }
    await grid.ended(jobId);
  };
  const outputsOf = async (jobId: string) =>
    (await grid.results(jobId)).map(({ output }) => output);

  const inDays = (days: number) =>
    finaliseResults(
      {
        store,
        jobs: { known: () => null, facts: (jobId) => store.jobs.read(jobId) },
        knownHosts: new KnownHosts(),
        now: () => Date.now() + days * dayMs,
        log: pino({ level: 'silent' }),
      },
      0,
    );
  const remove = async (jobId: string) => {
    for (const days of [0, 8, 32, 59, 62]) await inDays(days);
    for (;;) {
      const reply = await grid.fetch(`/v1/jobs/${jobId}/remove`, json({ reason: 'published' }));
      if (reply.status === 200) return;
      // What its last step pays may not be paid yet.
      expect(reply.status).toBe(409);
      await wait(20);
    }
  };

  test('[W10] what a removed job alone has named goes; what another one names stays, and its results', async () => {
    host = await joinVolunteer(grid.url);
    const [shared, own, kept] = [large(`shared ${kind}`), large('own'), large('kept')];
    const [stdin, file] = [
      await grid.put(Buffer.from('its input')),
      await grid.put(Buffer.alloc(9)),
    ];
    const job = await grid.submit(2, { run: { stdin, files: { '/a.dat': file } } });
    await finish(job, shared, own);
    const other = await grid.submit(2, { run: { files: { '/b.dat': file } } });
    await finish(other, shared, kept);
    await rounds();
    // As long as a job stands, in Redis or in the archive, all of it does.
    await archiveJournals({ store }, 0);
    await rounds();
    for (const name of [shared.name, own.name, kept.name, stdin, file, grid.kernel])
      expect(isThere(name)).toBe(true);
    expect(await outputsOf(job)).toEqual([shared.text, own.text]);

    await remove(job);
    for (const name of [own.name, stdin]) await gone(name);
    await rounds();
    for (const name of [shared.name, kept.name, file, grid.kernel])
      expect(isThere(name)).toBe(true);
    expect(await outputsOf(other)).toEqual([shared.text, kept.text]);
    const metrics = await (await grid.fetch('/metrics')).text();
    expect(metrics).toMatch(/^manyhands_artifacts_cleared_total [2-9]/m);

    // The last that named them goes as well, and the coordinator is given its kernel anew.
    await remove(other);
    for (const name of [shared.name, kept.name, file, grid.kernel]) await gone(name);
    await expect(grid.submit(1)).rejects.toThrow('artifact_unknown');
    host.cut();
  });

  test('[W2] an output that waits long to be reported is recorded, or its host is told that it is gone', async () => {
    const { emptyKernel } = await import('../../../bench/empty-kernel.ts');
    await grid.put(emptyKernel().wasm);
    const jobId = await grid.submit(2);
    host = await joinVolunteer(grid.url);
    const [first, second] = [await leaseOf(), await leaseOf()];
    const [one, two] = [large('one'), large('two')];
    await upload(one);
    await vi.waitFor(() => expect(isAside(one.name)).toBe(true), 20_000);
    expect(await report(first, one)).toEqual(['accepted']);
    await upload(two);
    await gone(two.name);
    const both = [one, two];
    expect(await report(second, ...both)).toMatchObject({ refused: 'artifact_unknown' });
    await upload(two);
    expect(await report(second, ...both)).toEqual(['accepted']);
    await rounds();
    expect(await outputsOf(jobId)).toEqual([one.text, two.text]);
    host.cut();
  });

  test('[W10] while anything in the archive cannot be read nothing goes', async () => {
    const jobs = join(grid.dataDir, 'archive', 'jobs');
    await inDays(0);
    await archiveJournals({ store }, 0);
    const [jobId = ''] = readdirSync(jobs);
    const [file = ''] = readdirSync(join(jobs, jobId));
    const path = join(jobs, jobId, file);
    const whole = readFileSync(path);
    truncateSync(path, 20);
    host = await joinVolunteer(grid.url);
    const lost = large('lost');
    await upload(lost);
    await wait(clearing.graceMs + clearing.restMs);
    await rounds();
    await rounds();
    expect(isThere(lost.name)).toBe(true);
    writeFileSync(path, whole);
    await gone(lost.name);
    host.cut();
  });
});
