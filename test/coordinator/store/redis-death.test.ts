/** What is left when Redis or its connection dies: all that was acknowledged, and a way to ask about the rest. */
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awardDraft } from '../../../coordinator/domain/award.ts';
import { dayOf } from '../../../coordinator/domain/day.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { postEntry } from '../../../coordinator/store/posting.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import { OutcomeUnknown, StorageRefuses, type Store } from '../../../coordinator/store/store.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { aJob } from '../builders.ts';
import {
  anAppend,
  aPayment,
  applied,
  gridFacts,
  partitionOfJob,
  submitted,
  text,
} from './arrange.ts';
import { openLossySocket } from './lossy-socket.ts';

let server: PrivateRedis;
const opened: Store[] = [];

beforeEach(async () => {
  server = await startPrivateRedis();
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await server.stop();
});

async function openStore(connection: { path: string } = server.connection): Promise<Store> {
  const store = await openRedisStore(connection);
  opened.push(store);
  await store.grid.open(gridFacts);
  return store;
}

/** What a grant paid by the mint asks of the ledger. */
const noFacts = {
  day: 1,
  feeAccount: 0n,
  payerOf: () => null,
  teamOf: () => null,
  countryOf: () => null,
  pendingOf: () => [],
  availableOf: () => 0n,
};

/** Repeats a step until its outcome is known, as callers of a store do. */
async function untilKnown<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) && !(error instanceof StorageRefuses)) throw error;
      await wait(5);
    }
  }
}

describe('kill -9 of Redis', () => {
  it('[W2] every acknowledged append is in its journal after the restart, once and in order', async () => {
    const store = await openStore();
    const job = aJob({ units: 32, unitsPerShard: 4 });
    const partition = partitionOfJob(job);
    const shards = await submitted(store, job);
    let acknowledged = 0;

    /** Appends lines until Redis is gone. Returns what was acknowledged, and the line that was not. */
    async function write(shard: Shard): Promise<{ shard: Shard; kept: string; unsure: string }> {
      let kept = '';
      for (let line = 0; ; line++) {
        const unsure = `line ${line} of shard ${shard.number}\n`;
        const append = anAppend(shard, kept.length, unsure, { canonical: 1 });
        try {
          expect(await store.append(partition, [append], 1)).toEqual([
            { kind: 'written', jobDecided: false },
          ]);
        } catch (error) {
          expect(error).toBeInstanceOf(OutcomeUnknown);
          return { shard, kept, unsure };
        }
        kept += unsure;
        acknowledged++;
      }
    }
    const writers = Promise.all(shards.map(write));
    while (acknowledged < 200) await wait(1);
    await server.kill9();
    const written = await writers;
    await server.restart();

    let canonical = 0;
    for (const { shard, kept, unsure } of written) {
      const append = anAppend(shard, kept.length, unsure, { canonical: 1 });
      const [reply] = await untilKnown(() => store.append(partition, [append], 1));
      // Either the line was lost and is written now, or it was there already.
      const length = kept.length + unsure.length;
      if (reply?.kind !== 'written') expect(reply).toEqual({ kind: 'stale', length });
      expect(await text(store, shard)).toBe(kept + unsure);
      canonical += (kept + unsure).split('\n').length - 1;
    }
    expect((await store.jobs.read(job.jobId))?.counts.canonical).toBe(canonical);
  });

  it('jobs, hosts, secrets, outbox numbers and balances outlive it', async () => {
    const store = await openStore();
    const job = aJob();
    const partition = partitionOfJob(job);
    const [shard] = (await submitted(store, job)) as [Shard];
    const secret = await store.grid.leaseKeys({ keyId: 'k1', secret: Buffer.from('s') });
    const pay = [aPayment(1, 7, [[0, 1]])];
    await store.append(partition, [anAppend(shard, 0, 'x', { pay })], 1);
    await applied(store, partition);
    const more = [aPayment(1, 7, [[1, 1]])];
    await store.append(partition, [anAppend(shard, 1, 'y', { pay: more })], 1);
    const before = await everything();
    await server.kill9();
    await server.restart();
    expect(await untilKnown(everything)).toEqual(before);
    expect(await store.grid.leaseKeys({ keyId: 'k2', secret: Buffer.from('t') })).toEqual(secret);
    await store.append(partition, [anAppend(shard, 2, 'z', { pay: more })], 1);
    expect((await store.readOutbox(partition, 0, 9)).map(({ number }) => number)).toEqual([
      1, 2, 3,
    ]);

    async function everything() {
      return {
        job: await store.jobs.read(job.jobId),
        open: await store.openShards(partition),
        outbox: await store.readOutbox(partition, 0, 9),
        watermark: await store.ledger.watermark(partition),
        ledger: await store.ledger.allBalances(),
        entries: await store.ledger.readEntries(0, 9),
        pending: await store.ledger.pendingPage(dayOf(gridFacts.createdAt), ''),
        standings: await store.ledger.standings('volunteer', 'recent', 0, 9),
      };
    }
  });

  it('a command that Redis dies upon has an unknown outcome; before it is back, so has every other', async () => {
    const store = await openStore();
    const job = aJob();
    const [shard] = (await submitted(store, job)) as [Shard];
    process.kill(server.pid, 'SIGSTOP');
    const append = store.append(partitionOfJob(job), [anAppend(shard, 0, 'x')], 1);
    const outcome = expect(append).rejects.toBeInstanceOf(OutcomeUnknown);
    await server.kill9();
    await outcome;
    await expect(store.jobs.read(job.jobId)).rejects.toBeInstanceOf(OutcomeUnknown);
    await server.restart();
    const again = () => store.append(partitionOfJob(job), [anAppend(shard, 0, 'x')], 1);
    expect(await untilKnown(again)).toEqual([{ kind: 'written', jobDecided: false }]);
  });

  it('opening a store on a Redis that is not there fails, and nobody knocks afterwards', async () => {
    await server.kill9();
    await expect(openRedisStore(server.connection)).rejects.toBeInstanceOf(OutcomeUnknown);
    await server.restart();
    const raw = new Redis(server.connection);
    await wait(200); // one left behind would knock every 20-100 ms
    expect(
      String(await raw.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1);
    raw.disconnect();
  });
});

describe('a reply that is lost', () => {
  it('repeating the same append tells what became of the first, and writes it no second time', async () => {
    const socket = await openLossySocket(server.connection.path);
    try {
      const store = await openStore({ path: socket.path });
      const job = aJob();
      const partition = partitionOfJob(job);
      const [shard, other] = (await submitted(store, job)) as [Shard, Shard];
      const pay = [aPayment(1, 7, [[0, 4]])];
      const appends = [
        anAppend(shard, 0, 'one', { canonical: 4, pay }),
        anAppend(other, 0, 'all', { canonical: 4, closes: true }),
      ];
      socket.loseNextReply();
      await expect(store.append(partition, appends, 1)).rejects.toBeInstanceOf(OutcomeUnknown);
      const replies = await untilKnown(() => store.append(partition, appends, 1));

      expect(replies).toEqual([{ kind: 'stale', length: 3 }, { kind: 'closed' }]);
      expect(await text(store, shard, 0)).toBe('one');
      expect(await text(store, other, 0)).toBe('all');
      expect((await store.jobs.read(job.jobId))?.counts.canonical).toBe(8);
      expect(await store.readOutbox(partition, 0, 9)).toHaveLength(1);
    } finally {
      await socket.close();
    }
  });

  it('submitting, splitting, cancelling and paying again do no harm', async () => {
    const socket = await openLossySocket(server.connection.path);
    try {
      const store = await openStore({ path: socket.path });
      const job = aJob();
      const partition = partitionOfJob(job);
      const [shard] = [splitShard(job, 0)];
      const twice = async <T>(step: () => Promise<T>): Promise<T> => {
        socket.loseNextReply();
        await expect(step()).rejects.toBeInstanceOf(OutcomeUnknown);
        return await untilKnown(step);
      };
      await twice(() => store.jobs.submit(job));
      expect(await twice(() => store.openShard(job, shard))).toBe(false);
      expect((await store.jobs.read(job.jobId))?.counts).toMatchObject({
        cursor: 4,
        shardsOpen: 1,
      });
      const pay = [aPayment(1, 7, [[0, 4]])];
      await store.append(partition, [anAppend(shard, 0, 'x', { pay })], 1);
      const paying = async () => {
        const draft = await postEntry(store.ledger, Date.now, async () => {
          const watermark = await store.ledger.watermark(partition);
          const records = await store.readOutbox(partition, watermark, 9);
          if (records.length === 0) return null;
          socket.loseNextReply();
          return awardDraft({ partition, from: 1, to: 1 }, records, noFacts).draft;
        });
        return draft !== null;
      };
      await expect(paying()).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(await untilKnown(paying)).toBe(false);
      const [row] = await store.ledger.standings('volunteer', 'total', 0, 9);
      expect(row?.creditMicro).toBe(7n);
      expect(await twice(() => store.jobs.cancel(job.jobId, 9))).toBe('over');
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'cancelled', endedAt: 9 });
    } finally {
      await socket.close();
    }
  });
});

describe('a Redis that refuses to write', () => {
  it('is told apart: nothing happened, and later the same step succeeds', async () => {
    const store = await openStore();
    const job = aJob();
    const [shard] = (await submitted(store, job)) as [Shard];
    const raw = new Redis(server.connection);
    await raw.config('SET', 'maxmemory', '1');
    const append = () => store.append(partitionOfJob(job), [anAppend(shard, 0, 'x')], 1);
    await expect(append()).rejects.toBeInstanceOf(StorageRefuses);
    expect(await text(store, shard)).toBe('');
    await raw.config('SET', 'maxmemory', '0');
    raw.disconnect();
    expect(await append()).toEqual([{ kind: 'written', jobDecided: false }]);
  });
});
