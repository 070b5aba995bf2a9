/**
 * Clearing artifacts over the store in memory: each thing that may name one, each way in which a round may be unsure, and
 * what comes in between. With real doors, a folder and S3: test/coordinator/api/clearing.test.ts.
 */
import { createHash } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { ripeGroups } from '../../../coordinator/domain/archive-group.ts';
import type { RecordedResult } from '../../../coordinator/domain/journal.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { Interrupted } from '../../../coordinator/flow/clear-artifacts/breath.ts';
import {
  type ClearContext,
  clearArtifacts,
} from '../../../coordinator/flow/clear-artifacts/clear-artifacts.ts';
import { usualTimes } from '../../../coordinator/flow/clear-artifacts/times.ts';
import { archiveGroup, archiveJob } from '../../../coordinator/store/archive-job.ts';
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { MemoryArtifacts } from '../../simulation/memory-artifacts.ts';
import { aJob, aResult, jobId } from '../builders.ts';
import { reportTo } from './report-to.ts';

const hour = 3_600_000;
const bytesOf = (word: string) => Buffer.from(`${word} `.repeat(300));
const hashOf = (word: string) => createHash('sha256').update(bytesOf(word)).digest();
const nameOf = (word: string) => `sha256:${hashOf(word).toString('hex')}`;

const document = {
  kernel: nameOf('kernel'),
  compare: { verifier: nameOf('verifier') },
  run: { stdin: nameOf('stdin'), files: { '/a': nameOf('file') } },
};
const kernelOf = (word: string) => ({
  digest: nameOf(word),
  meteredDigest: nameOf(`metered ${word}`),
  meteredBytes: 1,
  meterVersion: 1,
});
const job = {
  ...aJob({ units: 4, document }),
  kernel: kernelOf('kernel'),
  verifier: kernelOf('verifier'),
};
const inputs = ['kernel', 'metered kernel', 'verifier', 'metered verifier', 'stdin', 'file'];
const shard = splitShard(job, 0);
const large = (position: number, word: string, parts: Partial<RecordedResult> = {}) =>
  aResult(position, { output: null, digest: hashOf(word), ...parts });

let store: MemoryStore;
let artifacts: MemoryArtifacts;
let now: number;
let logged: string[];
let context: ClearContext;

beforeEach(async () => {
  store = new MemoryStore();
  now = 1_700_000_000_000;
  logged = [];
  artifacts = new MemoryArtifacts(() => now);
  const write = (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg);
  context = {
    store,
    artifacts,
    grid: await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 }),
    now: () => now,
    randomBytes: (count) => createHash('sha256').update(`${now}`).digest().subarray(0, count),
    log: pino({ level: 'warn' }, { write }) as Logger,
    cleared: { artifacts: 0, bytes: 0 },
  };
  for (const word of inputs) await put(word, 'input');
  await store.jobs.submit(job);
  await store.openShard(job, shard);
});

const put = (word: string, shelf: 'input' | 'output' = 'output') =>
  artifacts.write(shelf, nameOf(word), [bytesOf(word)]);
const has = (word: string, shelf: 'input' | 'output' = 'output') =>
  artifacts.has(shelf, nameOf(word));
const breath = async () => {};
const round = () => clearArtifacts(context, usualTimes, breath);
/** As many days pass, each with its round. */
async function days(count: number): Promise<void> {
  for (let day = 0; day < count; day++) {
    now += 25 * hour;
    await round();
  }
}
/** All of the job's journals are in files. */
async function archived(): Promise<void> {
  const kept = await store.archive.readKept(job.jobId);
  if (kept === null) throw new Error('it is in files');
  for (const group of ripeGroups(kept, new Set())) await archiveGroup(store, job.jobId, group);
}
/** All of the job is. */
async function gone(): Promise<void> {
  await archived();
  const [held] = await store.jobs.listHeld(0);
  if (held === undefined) throw new Error('nothing is held');
  await store.jobs.moveHold(held, { marks: [], shardsFinal: 1, final: 4 }, now);
  const kept = await store.archive.readKept(job.jobId);
  if (kept === null || !(await archiveJob(store, kept))) throw new Error('it stays in Redis');
}

describe('[W10] an artifact that nothing names', () => {
  it('goes on the fourth day at the latest, and is told of', async () => {
    await put('lost');
    await days(2);
    expect(has('lost')).toBe(true);
    await days(2);
    expect(has('lost')).toBe(false);
    expect(context.cleared).toEqual({ artifacts: 1, bytes: bytesOf('lost').length });
    expect(inputs.every((word) => has(word, 'input'))).toBe(true);
  });

  it('stays when somebody asks for it in time, to name it', async () => {
    await put('late');
    await days(2);
    expect(await artifacts.keep('output', nameOf('late'))).toBe(bytesOf('late').length);
    await reportTo(store, shard, 1, [large(0, 'late')]);
    await days(6);
    expect(has('late')).toBe(true);
  });

  it('comes back when it was set aside while it was named', async () => {
    await put('raced');
    now += 72 * hour;
    // Everything was read; then it is reported, and swept by who does not know.
    await artifacts.setAside('output', nameOf('raced'));
    await reportTo(store, shard, 1, [large(0, 'raced')]);
    await days(6);
    expect(has('raced')).toBe(true);
    const isAside: boolean[] = [];
    for await (const one of artifacts.list())
      if (one.digest === nameOf('raced')) isAside.push(one.isAside);
    expect(isAside).toEqual([false]);
  });

  it('is looked for once a day, however often somebody starts', async () => {
    await put('lost');
    for (let start = 0; start < 200; start++) {
      now += 60_000;
      await round();
    }
    expect(await store.grid.lastClearing()).toBe(1_700_000_060_000);
  });
});

describe('[W10] an artifact is named', () => {
  it('by every result that was recorded: accepted, of a failed kernel, too late to be needed', async () => {
    const words = ['accepted', 'trap', 'first', 'second'];
    for (const word of words) await put(word);
    await reportTo(store, shard, 1, [
      large(0, 'accepted'),
      large(1, 'trap', { outcome: 'kernel_trap', exitCode: null }),
      large(2, 'first', { outcome: 'kernel_exit', exitCode: 1 }),
    ]);
    await reportTo(store, shard, 2, [large(2, 'second')]);
    await days(6);
    expect(words.filter((word) => !has(word))).toEqual([]);
  });

  it('by what a verifier is to look at, from the order on', async () => {
    const check: Shard = {
      jobId: job.jobId,
      number: 1,
      units: { list: [0] },
      check: {
        ...{ needs: 'anyone', since: 1, needsNetworks: false, heard: [[]] },
        ...{ verify: [nameOf('ordered')], worth: [0] },
      },
    };
    await put('ordered', 'input');
    const order = { table: 'orders', field: 'an order', value: check } as const;
    await store.trust.write(await store.trust.version(), [order]);
    await days(6);
    expect(has('ordered', 'input')).toBe(true);
    await store.trust.write(await store.trust.version(), [{ ...order, value: null }]);
    await store.openCheck(job, check);
    await days(6);
    expect(has('ordered', 'input')).toBe(true);
  });

  it('by a job and its journals in the archive, as long as they are there', async () => {
    const all = [0, 1, 2, 3].map((position) => `output ${position}`);
    for (const word of all) await put(word);
    await reportTo(
      store,
      shard,
      1,
      all.map((word, position) => large(position, word)),
    );
    const isAllThere = () =>
      all.every((word) => has(word)) && inputs.every((word) => has(word, 'input'));
    await archived();
    await days(6);
    expect(isAllThere()).toBe(true);
    await gone();
    await days(6);
    expect(isAllThere()).toBe(true);
    await store.archive.unlist(job.jobId);
    await store.archive.files.removeJob(job.jobId);
    await days(6);
    expect([...all.map((word) => has(word)), ...inputs.map((word) => has(word, 'input'))]).toEqual(
      [...all, ...inputs].map(() => false),
    );
  });
});

describe('[W10] nothing goes, and the log says so,', () => {
  const warning = 'no artifact is cleared: not everything that may name one can be read';

  async function expectNothing(): Promise<void> {
    await put('lost');
    await days(6);
    expect(has('lost')).toBe(true);
    expect(logged).toEqual(Array(6).fill(warning));
  }
  beforeEach(async () => {
    await reportTo(
      store,
      shard,
      1,
      [0, 1, 2, 3].map((position) => aResult(position)),
    );
  });

  it('when a file of the archive is missing, as long as it is', async () => {
    await archived();
    const record = { job: await store.jobs.read(job.jobId), bits: new Uint8Array([0x80]) };
    expect(record.job).not.toBeNull();
    await store.archive.files.removeJob(job.jobId);
    await expectNothing();
    const journals = async function* () {
      yield { number: 0, bytes: new Uint8Array(0) };
    };
    await store.archive.files.writeGroup(job.jobId, { kind: 'splits', number: 0 }, journals());
    await days(2);
    expect(has('lost')).toBe(false);
  });

  it('when a job is listed and nowhere to be found', async () => {
    await gone();
    await store.archive.files.removeJob(job.jobId);
    await expectNothing();
  });

  it('when there are journals of a job that nobody knows', async () => {
    const journals = async function* () {
      yield { number: 0, bytes: new Uint8Array(0) };
    };
    await store.archive.files.writeGroup(jobId(7), { kind: 'splits', number: 0 }, journals());
    await expectNothing();
  });
});

it('[W10] a restored grid clears nothing as long as the one with these artifacts lives', async () => {
  await put('since the backup');
  await days(1);
  const copy = new MemoryStore();
  const facts = { gridId: 'g', partitions: 1, createdAt: 0 };
  const restored = { ...context, store: copy, grid: await copy.grid.open(facts) };
  await copy.jobs.submit(job);
  now += hour;
  // As `manyhands restore` does.
  await copy.grid.beginClearing(now);
  await reportTo(store, shard, 1, [large(0, 'since the backup')]);
  for (let day = 0; day < 8; day++) {
    now += 25 * hour;
    await clearArtifacts(restored, usualTimes, breath);
    now += hour;
    await round();
  }
  expect(has('since the backup')).toBe(true);
  expect(logged).toEqual(
    Array(8).fill(
      'no artifact is cleared: a grid with another Redis does so here, which may be newer',
    ),
  );
  // When that is there no more, it is the grid.
  for (let day = 0; day < 6; day++) {
    now += 25 * hour;
    await clearArtifacts(restored, usualTimes, breath);
  }
  expect(has('since the backup')).toBe(false);
});

it('a round that is interrupted anywhere harms nothing, and the next one does what is left', async () => {
  const words = Array.from({ length: 8 }, (_, i) => `lost ${i}`);
  for (const word of words) await put(word);
  now += 72 * hour;
  for (let breaths = 0; breaths < 60; breaths++) {
    let left = breaths;
    now += 25 * hour;
    await clearArtifacts(context, usualTimes, async () => {
      if (left-- === 0) throw new Interrupted();
    });
    expect(inputs.every((word) => has(word, 'input'))).toBe(true);
  }
  await days(3);
  expect(words.filter((word) => has(word))).toEqual([]);
  expect(logged).toEqual([]);
});
