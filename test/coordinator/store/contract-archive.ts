/** What every store promises of the archive: a journal is in one of two places, and reads the same from both. */
import { expect, it } from 'vitest';
import { type RipeGroup, ripeGroups } from '../../../coordinator/domain/archive-group.ts';
import { type Shard, splitShard } from '../../../coordinator/domain/shard.ts';
import { archiveGroup, archiveJob } from '../../../coordinator/store/archive-job.ts';
import { ArchiveDamaged, type Store } from '../../../coordinator/store/store.ts';
import { aJob, hostId } from '../builders.ts';
import { anAppend, jobIdIn, type OpenStore, submitted, text, withStore } from './arrange.ts';

const job = aJob({ jobId: jobIdIn(0), units: 10 });
const { jobId } = job;
const [first, second, third] = [0, 1, 2].map((number) => splitShard(job, number)) as [
  Shard,
  Shard,
  Shard,
];
const checkOf = (number: number): Shard => ({
  jobId,
  number,
  units: { list: [1] },
  check: { needs: 'anyone', since: 1, needsNetworks: false, heard: [[]] },
});

export function archiveContract(open: OpenStore): void {
  /** The job's groups, as if none of its shards were open. */
  const groups = async (store: Store): Promise<RipeGroup[]> => {
    const [kept] = await store.archive.listKept(0);
    return kept === undefined ? [] : [...ripeGroups(kept, new Set())];
  };
  const write = async (store: Store, { shards, ...group }: RipeGroup) => {
    const shard = (number: number) => ({ jobId, number, units: { list: [] } });
    const journals = async function* () {
      for (const number of shards) yield { number, bytes: await store.readJournal(shard(number)) };
    };
    await store.archive.files.writeGroup(jobId, group, journals());
    return await store.archive.lengths(jobId, shards);
  };
  const close = async (store: Store, shards: readonly Shard[]) => {
    for (const shard of shards) {
      const append = anAppend(shard, 0, `journal of ${shard.number}`, { closes: true });
      expect(await store.append(0, [append], 5)).toMatchObject([{ kind: 'written' }]);
    }
  };

  it(
    'lists a job from when it is submitted, with what was opened of it',
    withStore(open, async (store) => {
      await store.jobs.submit(job);
      const fresh = { jobId, state: 'open', finalAt: null, splits: 3, shards: 0, checks: 0 };
      expect(await store.archive.listKept(0)).toMatchObject([fresh]);
      expect(await store.archive.listKept(1)).toEqual([]);
      await store.openShard(job, first);
      await store.openCheck(job, checkOf(4));
      await store.openCheck(job, checkOf(3));
      expect(await store.archive.listKept(0)).toMatchObject([{ ...fresh, shards: 1, checks: 2 }]);
    }),
  );

  it(
    'reads a journal as it was, whole or in part, when it has left Redis',
    withStore(open, async (store) => {
      const shards = await submitted(store, job);
      await close(store, shards);
      const [group] = await groups(store);
      if (group === undefined) throw new Error('no group is ripe');
      const lengths = await write(store, group);
      expect(lengths).toEqual([12, 12, 12]);
      expect(await store.archive.letGo(jobId, group, lengths)).toBe(true);
      expect(await store.archive.lengths(jobId, group.shards)).toEqual([0, 0, 0]);
      for (const shard of shards) {
        expect(await text(store, shard)).toBe(`journal of ${shard.number}`);
        expect(await text(store, shard, 11)).toBe(String(shard.number));
      }
      expect(await groups(store)).toEqual([]);
      expect(await store.archive.letGo(jobId, group, lengths)).toBe(true);
      const late = anAppend(first, 12, 'more');
      expect(await store.append(0, [late], 6)).toEqual([{ kind: 'closed' }]);
      expect(await store.archive.lengths(jobId, [0])).toEqual([0]);
    }),
  );

  it(
    'lets nothing go of which a shard is open, or has another length than was written',
    withStore(open, async (store) => {
      await submitted(store, job);
      await close(store, [first, second]);
      const [group] = await groups(store);
      if (group === undefined) throw new Error('no group is ripe');
      const lengths = await write(store, group);
      expect(await store.archive.letGo(jobId, group, lengths)).toBe(false);
      await close(store, [third]);
      expect(await store.archive.letGo(jobId, group, lengths)).toBe(false);
      expect(await text(store, third)).toBe('journal of 2');
      expect(await store.archive.letGo(jobId, group, [12, 12, 12])).toBe(true);
    }),
  );

  it(
    'tells of which jobs there are files, and reads all journals of one of them',
    withStore(open, async (store) => {
      const { files } = store.archive;
      const all = async () => {
        const found: string[] = [];
        for await (const one of files.jobIds()) found.push(one);
        return found;
      };
      expect([await all(), await files.has(jobId)]).toEqual([[], false]);
      await close(store, await submitted(store, job));
      const [group] = await groups(store);
      if (group === undefined) throw new Error('no group is ripe');
      await write(store, group);
      expect([await all(), await files.has(jobId)]).toEqual([[jobId], true]);
      const journals: string[] = [];
      for await (const one of files.readGroup(jobId, group))
        journals.push(Buffer.from(one).toString());
      expect(journals).toEqual(['journal of 0', 'journal of 1', 'journal of 2']);
      const missing = files.readGroup(jobId, { kind: 'checks', number: 0 });
      await expect(async () => {
        for await (const _ of missing);
      }).rejects.toThrow(ArchiveDamaged);
      await files.removeJob(jobId);
      expect([await all(), await files.has(jobId)]).toEqual([[], false]);
    }),
  );

  it(
    'a check in the archive stands, and is not opened again',
    withStore(open, async (store) => {
      await submitted(store, job);
      const checks = Array.from({ length: 64 }, (_, nth) => checkOf(3 + nth));
      for (const check of checks) await store.openCheck(job, check);
      await close(store, checks);
      const [, group] = [...(await groups(store))];
      if (group?.kind !== 'checks') throw new Error('the checks are not ripe');
      expect(await store.archive.letGo(jobId, group, await write(store, group))).toBe(true);
      expect(await store.openCheck(job, checkOf(10))).toBe('stands');
      expect(await text(store, checkOf(10))).toBe('journal of 10');
      expect(await store.openCheck(job, checkOf(67))).toBe('opened');
    }),
  );

  /** All of it is final, and all of its journals are in files. */
  const allArchived = async (store: Store) => {
    await close(store, await submitted(store, job));
    const place = { shard: 1, position: 0, hostId: hostId(2) };
    await store.amend('one', { jobId, unit: 4, place, revoked: [] }, 1);
    const [held] = await store.jobs.listHeld(0);
    if (held === undefined) throw new Error('nothing is held');
    await store.jobs.moveHold(held, { marks: [], shardsFinal: 3, final: 10 }, 99);
    const [group] = await groups(store);
    if (group === undefined) throw new Error('no group is ripe');
    await archiveGroup(store, jobId, group);
    const kept = await store.archive.readKept(jobId);
    if (kept === null) throw new Error('nothing of it is kept');
    return kept;
  };

  it(
    'a job that has left Redis is shown and listed as it was, with its journals and what lies over them',
    withStore(open, async (store) => {
      const kept = await allArchived(store);
      const look = async () => ({
        job: await store.jobs.read(jobId),
        listed: (await store.jobs.list(9, null)).jobs,
        amendments: await store.readAmendments(jobId),
        revoked: await store.readRevoked(jobId, 0, 9),
        journal: await text(store, third),
        none: await text(store, checkOf(3)),
      });
      const before = await look();
      expect(before).toMatchObject({ job: { finalAt: 99, counts: { final: 10 } }, revoked: [4] });
      expect(await archiveJob(store, kept)).toBe(true);
      expect(await store.archive.readKept(jobId)).toBeNull();
      expect(await store.archive.listKept(0)).toEqual([]);
      expect(await look()).toEqual(before);
      expect(await archiveJob(store, kept)).toBe(true);
      expect(await look()).toEqual(before);
    }),
  );

  it(
    'nothing brings a job back that has left Redis',
    withStore(open, async (store) => {
      const kept = await allArchived(store);
      const nothing = { marks: [], shardsFinal: 0, final: 0 };
      const held = { jobId, state: 'open', shards: 3, shardsSettled: 0, ...nothing } as const;
      await archiveJob(store, kept);
      const before = await store.jobs.read(jobId);
      await store.jobs.submit({ ...job, submittedAt: 77 });
      const place = { shard: 2, position: 0, hostId: hostId(3) };
      await store.amend('two', { jobId, unit: 9, place, revoked: [] }, 2);
      expect(await store.jobs.moveHold({ ...held, marks: [] }, nothing, 1)).toBe(false);
      expect(await store.jobs.settleLate(jobId, 1, { pay: [], gone: [] })).toBe(false);
      expect(await store.openCheck(job, checkOf(3))).toBe('over');
      expect(await store.openShard(job, first)).toBe(false);
      expect(await store.jobs.pause(jobId, 'owner', '')).toBe('unknown');
      expect(await store.jobs.curate(jobId, true)).toBe(false);
      expect(await store.archive.readKept(jobId)).toBeNull();
      expect(await store.jobs.listHeld(0)).toEqual([]);
      expect(await store.jobs.read(jobId)).toEqual(before);
      expect((await store.readAmendments(jobId)).size).toBe(1);
    }),
  );

  it(
    'a job that is held, or was amended since, does not leave',
    withStore(open, async (store) => {
      await submitted(store, job);
      const kept = await store.archive.readKept(jobId);
      if (kept === null) throw new Error('nothing of it is kept');
      expect(await archiveJob(store, kept)).toBe(false);
      expect(await store.archive.readKept(jobId)).toEqual(kept);
    }),
  );

  it(
    'the list is as long as it may be, and has every job that is in Redis',
    withStore(open, async (store) => {
      const kept = await allArchived(store);
      const newer = [1, 2].map((nth) => aJob({ jobId: jobIdIn(0, nth), submittedAt: 2000 + nth }));
      for (const each of newer) await store.jobs.submit(each);
      const ids = async () => (await store.jobs.list(9, null)).jobs.map((each) => each.jobId);
      expect(await store.archive.newest(0, 2)).toEqual([jobIdIn(0, 2), jobIdIn(0, 1)]);
      expect(await store.archive.newest(0, 0)).toEqual([]);
      await store.archive.trimList(0, 2);
      expect(await ids()).toHaveLength(3);
      await archiveJob(store, kept);
      await store.archive.trimList(0, 3);
      expect(await ids()).toHaveLength(3);
      await store.archive.trimList(0, 2);
      expect(await ids()).toEqual([jobIdIn(0, 2), jobIdIn(0, 1)]);
      expect(await store.jobs.read(jobId)).not.toBeNull();
      await store.archive.trimList(0, 1);
      expect(await ids()).toHaveLength(2);
    }),
  );

  it(
    'a job that nobody knows has nothing in the archive, and nothing is noted of it',
    withStore(open, async (store) => {
      const group: RipeGroup = { kind: 'splits', number: 0, shards: [0], areOpened: true };
      expect(await store.archive.letGo(jobId, group, [0])).toBe(false);
      expect(await text(store, first)).toBe('');
    }),
  );
}
