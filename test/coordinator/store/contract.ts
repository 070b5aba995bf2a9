/**
 * What every store promises (coordinator/store/store.ts), as tests that each implementation runs. The
 * grid's own facts, jobs and shards are here; appends, payments and races have a file each.
 *
 * `open` gives an empty store whose grid is not yet made.
 */
import { describe, expect, it } from 'vitest';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import type { JobPlace } from '../../../coordinator/store/job-store.ts';
import { partitionOf } from '../../../coordinator/store/store.ts';
import { aJob } from '../builders.ts';
import { gridFacts, jobIdIn, type OpenStore, withStore } from './arrange.ts';
import { accountContract } from './contract-accounts.ts';
import { archiveContract } from './contract-archive.ts';
import { holdContract } from './contract-hold.ts';
import { journalContract } from './contract-journal.ts';
import { ledgerContract } from './contract-ledger.ts';
import { outboxContract } from './contract-outbox.ts';
import { peerContract } from './contract-peers.ts';
import { raceContract } from './contract-race.ts';
import { registryContract } from './contract-registry.ts';
import { standingContract } from './contract-standings.ts';
import { trustContract } from './contract-trust.ts';

export function storeContract(name: string, open: OpenStore): void {
  describe(`${name}: grid`, () => {
    gridContract(open);
  });
  describe(`${name}: accounts`, () => {
    accountContract(open);
  });
  describe(`${name}: registry`, () => {
    registryContract(open);
  });
  describe(`${name}: jobs and shards`, () => {
    jobContract(open);
  });
  describe(`${name}: journals`, () => {
    journalContract(open);
  });
  describe(`${name}: outbox`, () => {
    outboxContract(open);
  });
  describe(`${name}: ledger`, () => {
    ledgerContract(open);
  });
  describe(`${name}: standings`, () => {
    standingContract(open);
  });
  describe(`${name}: trust`, () => {
    trustContract(open);
  });
  describe(`${name}: peers`, () => {
    peerContract(open);
  });
  describe(`${name}: holds`, () => {
    holdContract(open);
  });
  describe(`${name}: archive`, () => {
    archiveContract(open);
  });
  describe(`${name}: races`, () => {
    raceContract(open);
  });
}

function gridContract(open: OpenStore): void {
  it(
    'the first coordinator makes the grid; whoever comes later finds its facts',
    withStore(open, async (store) => {
      const later = { gridId: 'another', partitions: 7, createdAt: 5 };
      expect(await store.grid.open(later)).toEqual(gridFacts);
    }),
  );

  it(
    'one coordinator owns the grid; the next one does when it was given free',
    withStore(open, async (store) => {
      expect(await store.peers.own('c1', 60_000)).toBe(true);
      expect(await store.peers.own('c2', 60_000)).toBe(false);
      expect(await store.peers.own('c1', 60_000)).toBe(true);
      await store.peers.disown('c2');
      expect(await store.peers.own('c2', 60_000)).toBe(false);
      await store.peers.disown('c1');
      expect(await store.peers.own('c2', 60_000)).toBe(true);
    }),
  );

  it(
    'knows when clearing artifacts was begun last',
    withStore(open, async (store) => {
      expect(await store.grid.lastClearing()).toBeNull();
      for (const at of [1_700_000_000_000, 1_700_000_000_001]) {
        await store.grid.beginClearing(at);
        expect(await store.grid.lastClearing()).toBe(at);
      }
    }),
  );

  it(
    'coordinators that start at once agree on the lease secret',
    withStore(open, async (store) => {
      const fresh = (keyId: string) => ({ keyId, secret: Buffer.from(`secret of ${keyId}`) });
      const answers = await Promise.all([
        store.grid.leaseKeys(fresh('k1')),
        store.grid.leaseKeys(fresh('k2')),
      ]);
      for (const [newest, ...others] of answers) {
        expect(newest.keyId).toBe('k1');
        expect(Buffer.from(newest.secret).toString()).toBe('secret of k1');
        expect(others).toEqual([]);
      }
    }),
  );
}

function jobContract(open: OpenStore): void {
  it(
    'submitting a job again changes nothing',
    withStore(open, async (store) => {
      const job = aJob({ units: 8 });
      await store.jobs.submit(job);
      await store.openShard(job, splitShard(job, 0));
      await store.jobs.submit({ ...job, units: 4, submittedAt: 9 });
      const read = await store.jobs.read(job.jobId);
      expect(read).toMatchObject({ ...job, state: 'open', endedAt: null });
      expect(read?.counts).toEqual({
        cursor: 4,
        shards: 1,
        shardsOpen: 1,
        canonical: 0,
        failed: 0,
        fuel: 0n,
        creditMicro: 0n,
        shardsFinal: 0,
        shardsSettled: 0,
        final: 0,
      });
    }),
  );

  it(
    'an unknown job is null, cannot be cancelled, and opens no shard',
    withStore(open, async (store) => {
      const job = aJob();
      expect(await store.jobs.read(job.jobId)).toBeNull();
      expect(await store.jobs.cancel(job.jobId, 1)).toBe('unknown');
      expect(await store.openShard(job, splitShard(job, 0))).toBe(false);
      expect(await store.jobs.read(job.jobId)).toBeNull();
    }),
  );

  it(
    'the list of jobs goes on after any place, also among jobs of one millisecond, and says where it ends',
    withStore(open, async (store) => {
      const jobs = [0, 1, 2].flatMap((partition) =>
        [0, 1, 2].map((nth) =>
          aJob({ jobId: jobIdIn(partition, nth), submittedAt: nth === 2 ? 900 : 1000 }),
        ),
      );
      for (const job of jobs) await store.jobs.submit(job);
      const all = (await store.jobs.list(100, null)).jobs.map(({ jobId }) => jobId);
      expect(new Set(all)).toEqual(new Set(jobs.map(({ jobId }) => jobId)));
      for (const size of [1, 2, 4, 9]) {
        const read: string[] = [];
        let [place, pages] = [null as JobPlace | null, 0];
        do {
          const page = await store.jobs.list(size, place);
          read.push(...page.jobs.map(({ jobId }) => jobId));
          place = page.next;
          pages++;
        } while (place !== null);
        expect(read).toEqual(all);
        expect(pages).toBe(Math.floor(all.length / size) + 1);
      }
      // A place is one also when its job has gone.
      const gone = { submittedAt: 950, jobId: 'j0000000000000000' };
      const older = (await store.jobs.list(100, gone)).jobs;
      expect(older.map(({ submittedAt }) => submittedAt)).toEqual([900, 900, 900]);
    }),
  );

  it(
    'jobs of all partitions are listed newest first; open ones oldest first, by partition',
    withStore(open, async (store) => {
      const jobs = [0, 1, 2].flatMap((partition) =>
        [0, 1].map((nth) =>
          aJob({ jobId: jobIdIn(partition, nth), submittedAt: 1000 + 10 * nth + partition }),
        ),
      );
      for (const job of jobs) await store.jobs.submit(job);
      const { jobs: listed } = await store.jobs.list(4, null);
      expect(listed.map((job) => job.submittedAt)).toEqual([1012, 1011, 1010, 1002]);

      const [first, second] = [jobIdIn(1, 0), jobIdIn(1, 1)];
      expect(await store.jobs.listOpen(1)).toEqual([
        { jobId: first, state: 'open', cursor: 0, shardsFinal: 0, decidedAt: null },
        { jobId: second, state: 'open', cursor: 0, shardsFinal: 0, decidedAt: null },
      ]);
      await store.jobs.cancel(first, 2000);
      expect((await store.jobs.listOpen(1)).map((job) => job.jobId)).toEqual([second]);
      expect((await store.jobs.list(100, null)).jobs).toHaveLength(6);
    }),
  );

  it(
    'of coordinators that split at once, one opens each shard',
    withStore(open, async (store) => {
      const job = aJob({ units: 10 });
      await store.jobs.submit(job);
      for (const number of [0, 1, 2]) {
        const shard = splitShard(job, number);
        const opened = await Promise.all([1, 2, 3].map(() => store.openShard(job, shard)));
        expect(opened.filter((isOpened) => isOpened)).toHaveLength(1);
        expect(await store.readOpenShard(shard)).not.toBe(null);
      }
      expect(await store.openShard(job, splitShard(job, 0))).toBe(false);
      expect((await store.jobs.read(job.jobId))?.counts).toMatchObject({ cursor: 10, shards: 3 });
      const open = await store.openShards(partitionOf(job.jobId, gridFacts.partitions));
      expect(open.sort((a, b) => a.number - b.number)).toEqual(
        [0, 1, 2].map((number) => splitShard(job, number)),
      );
    }),
  );

  it(
    'a shard past the cursor is not opened: no unit is ever left out',
    withStore(open, async (store) => {
      const job = aJob({ units: 10 });
      await store.jobs.submit(job);
      expect(await store.openShard(job, splitShard(job, 1))).toBe(false);
    }),
  );

  it(
    'cancelling closes the shards of that job alone, once, and nothing is split any more',
    withStore(open, async (store) => {
      const [job, neighbour] = [0, 1].map((nth) => aJob({ jobId: jobIdIn(0, nth) }));
      if (job === undefined || neighbour === undefined) throw new Error('two jobs');
      for (const each of [job, neighbour]) {
        await store.jobs.submit(each);
        await store.openShard(each, splitShard(each, 0));
      }
      expect(await store.jobs.cancel(job.jobId, 5000)).toBe('cancelled');
      expect(await store.jobs.cancel(job.jobId, 6000)).toBe('over');
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'cancelled', endedAt: 5000 });
      expect(await store.openShard(job, splitShard(job, 1))).toBe(false);
      expect(await store.readOpenShard(splitShard(job, 0))).toBe(null);
      expect(await store.openShards(0)).toEqual([splitShard(neighbour, 0)]);
    }),
  );

  it(
    'a paused job stays listed as open and is not split; it is open again when every cause is lifted',
    withStore(open, async (store) => {
      const job = aJob({ units: 8 });
      await store.jobs.submit(job);
      await store.openShard(job, splitShard(job, 0));
      expect(await store.jobs.pause(job.jobId, 'owner', 'mending it')).toBe('paused');
      expect(await store.jobs.pause(job.jobId, 'kernel_disabled', '')).toBe('paused');
      expect(await store.jobs.read(job.jobId)).toMatchObject({
        state: 'paused',
        pauses: { owner: 'mending it', kernel_disabled: '' },
      });
      const partition = partitionOf(job.jobId, gridFacts.partitions);
      expect(await store.jobs.listOpen(partition)).toMatchObject([{ state: 'paused', cursor: 4 }]);
      expect(await store.readOpenShard(splitShard(job, 0))).not.toBe(null);
      expect(await store.openShard(job, splitShard(job, 1))).toBe(false);

      expect(await store.jobs.resume(job.jobId, ['operator', 'owner'])).toBe('paused');
      expect(await store.jobs.resume(job.jobId, ['kernel_disabled'])).toBe('open');
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'open', pauses: {} });
      expect(await store.openShard(job, splitShard(job, 1))).toBe(true);
    }),
  );

  it(
    'a job that is over or unknown is neither paused nor resumed',
    withStore(open, async (store) => {
      const job = aJob();
      expect(await store.jobs.pause(job.jobId, 'owner', '')).toBe('unknown');
      expect(await store.jobs.resume(job.jobId, ['owner'])).toBe('unknown');
      await store.jobs.submit(job);
      await store.jobs.cancel(job.jobId, 5);
      expect(await store.jobs.pause(job.jobId, 'owner', '')).toBe('over');
      expect(await store.jobs.resume(job.jobId, ['owner'])).toBe('over');
      expect(await store.jobs.read(job.jobId)).toMatchObject({ state: 'cancelled', pauses: {} });
    }),
  );

  it(
    'a job is curated, or no longer; an unknown one is not made by it',
    withStore(open, async (store) => {
      const job = aJob();
      expect(await store.jobs.curate(job.jobId, true)).toBe(false);
      expect(await store.jobs.read(job.jobId)).toBeNull();
      await store.jobs.submit(job);
      expect(await store.jobs.read(job.jobId)).toMatchObject({ curated: false });
      expect(await store.jobs.curate(job.jobId, true)).toBe(true);
      expect(await store.jobs.read(job.jobId)).toMatchObject({ curated: true });
      expect(await store.jobs.curate(job.jobId, false)).toBe(true);
      expect(await store.jobs.read(job.jobId)).toMatchObject({ curated: false });
    }),
  );
}
