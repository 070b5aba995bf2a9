/** What every store promises of the tables of trust, and of the shards that check. */
import { expect, it } from 'vitest';
import { type Shard, shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { stranger } from '../../../coordinator/domain/trust/reliability.ts';
import { accountId, aJob, hostId } from '../builders.ts';
import { anAppend, jobIdIn, type OpenStore, withStore } from './arrange.ts';

const aRecord = {
  accountId: accountId(1),
  network: 'n1',
  runtime: 'v1',
  isAnchor: false,
  record: { ...stranger(1000), strikes: [{ at: 900, hostId: hostId(1) }] },
};

export function trustContract(open: OpenStore): void {
  it(
    'what is written upon the version that was read stands, all of it',
    withStore(open, async ({ trust }) => {
      const version = await trust.version();
      const isWritten = await trust.write(version, [
        { table: 'hosts', field: hostId(1), value: aRecord },
        { table: 'accounts', field: accountId(1), value: stranger(1000) },
        { table: 'watermarks', field: 'g0', value: 7 },
      ]);
      expect(isWritten).toBe(true);
      expect(await trust.read('hosts', [hostId(1), hostId(2)])).toEqual(
        new Map([[hostId(1), aRecord]]),
      );
      expect(await trust.readAll('accounts')).toEqual(new Map([[accountId(1), stranger(1000)]]));
      expect(await trust.read('watermarks', ['g0'])).toEqual(new Map([['g0', 7]]));
      expect([await trust.count('hosts'), await trust.count('orders')]).toEqual([1, 0]);
      expect(await trust.fields('hosts')).toEqual([hostId(1)]);
    }),
  );

  it(
    'a step may read and write more than a function can be called with',
    withStore(open, async ({ trust }) => {
      const fields = Array.from({ length: 100_000 }, (_, i) => `j${i}`);
      const all = fields.map((field, value) => ({ table: 'numbers', field, value }) as const);
      expect(await trust.write(0, all)).toBe(true);
      expect((await trust.read('numbers', fields)).size).toBe(fields.length);
    }),
  );

  it(
    'of two that decided upon one version, one writes',
    withStore(open, async ({ trust }) => {
      const version = await trust.version();
      const write = (value: number) =>
        trust.write(version, [{ table: 'numbers', field: 'j', value }]);
      expect(await Promise.all([write(1), write(2)])).toEqual([true, false]);
      expect(await trust.read('numbers', ['j'])).toEqual(new Map([['j', 1]]));
    }),
  );

  it(
    'what is taken away is gone',
    withStore(open, async ({ trust }) => {
      await trust.write(0, [{ table: 'numbers', field: 'j', value: 1 }]);
      await trust.write(1, [{ table: 'numbers', field: 'j', value: null }]);
      expect(await trust.readAll('numbers')).toEqual(new Map());
    }),
  );

  it(
    'a check shard opens once, is told with its order, and closes without a change to its job’s counts',
    withStore(open, async (store) => {
      const job = aJob({ jobId: jobIdIn(0), units: 8 });
      await store.jobs.submit(job);
      for (const number of [0, 1]) await store.openShard(job, splitShard(job, number));
      const shard: Shard = {
        jobId: job.jobId,
        number: 2,
        units: { list: [1, 6] },
        check: {
          needs: 'trusted',
          since: 5,
          needsNetworks: false,
          heard: [[{ hostId: hostId(1), accountId: accountId(1), network: 'n1' }], []],
        },
      };
      expect(await store.openCheck(job, shard)).toBe('opened');
      expect(await store.openCheck(job, shard)).toBe('stands');
      expect(await store.readOpenShard(shard)).toEqual(shard);
      expect(await store.openShards(0)).toContainEqual(shard);
      expect(await store.openShardIds(0)).toContain(shardId(shard));
      const before = await store.jobs.read(job.jobId);
      const closing = { ...anAppend(shard, 0, 'x'), closes: true };
      expect(await store.append(0, [closing], 0)).toEqual([{ kind: 'written', jobDecided: false }]);
      expect(await store.readOpenShard(shard)).toBe(null);
      expect(await store.openCheck(job, shard)).toBe('stands');
      expect(await store.jobs.read(job.jobId)).toEqual(before);
    }),
  );

  it(
    'an amendment lies over the journals and revokes pay, once however often it is repeated',
    withStore(open, async (store) => {
      const job = aJob({ jobId: jobIdIn(0) });
      await store.jobs.submit(job);
      const place = { shard: 2, position: 1, hostId: hostId(2) };
      const lost = { hostId: hostId(1), accountId: accountId(1), micro: 10 };
      const amendment = { jobId: job.jobId, unit: 3, place, revoked: [lost] };
      for (let i = 0; i < 2; i++) await store.amend('one', amendment, 0);
      await store.amend('two', { ...amendment, unit: 2, place: null, revoked: [] }, 0);
      expect(await store.readAmendments(job.jobId)).toEqual(new Map([[3, place]]));
      await store.amend('three', { ...amendment, unit: 0, revoked: [] }, 0);
      expect(await store.readRevoked(job.jobId, 0, 10)).toEqual([3, 0]);
      expect(await store.readRevoked(job.jobId, 1, 10)).toEqual([0]);
      expect(await store.readRevoked(job.jobId, 0, 1)).toEqual([3]);
      expect(await store.readOutbox(0, 0, 10)).toEqual([
        {
          number: 1,
          jobId: job.jobId,
          isCheck: false,
          payments: [{ kind: 'revoke', ...lost, units: [[3, 1]] }],
        },
      ]);
      expect(await store.readAmendments(jobIdIn(1))).toEqual(new Map());
    }),
  );

  it(
    'a cancelled job is checked no more',
    withStore(open, async (store) => {
      const job = aJob({ jobId: jobIdIn(0) });
      await store.jobs.submit(job);
      await store.jobs.cancel(job.jobId, 0);
      const shard = { jobId: job.jobId, number: 2, units: { list: [1] } };
      expect(await store.openCheck(job, shard)).toBe('over');
    }),
  );
}
