/** The store over Redis. Each step is one command or one script; keys come from keys.ts alone. */
import type { Redis } from 'ioredis';
import type { AccountId, JobId } from '../../protocol/ids.ts';
import type { JobState, PauseCause } from '../../protocol/job.ts';
import type { OutboxRecord } from '../domain/award.ts';
import type { Job, JobFacts } from '../domain/job.ts';
import type { LeaseKey } from '../domain/lease.ts';
import { isCheck, type Shard, type ShardId, shardId } from '../domain/shard.ts';
import { type Amendment, type Place, revocations } from '../domain/trust/docket.ts';
import { readJobHash, readPayments, readShard, writePayments, writeShard } from './job-record.ts';
import { keys } from './keys.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openConnection, type RedisAddress, step } from './redis-connection.ts';
import { RedisLedger } from './redis-ledger.ts';
import { RedisRegistry } from './redis-registry.ts';
import { RedisTrust } from './redis-trust.ts';
import { Script } from './script.ts';
import {
  type AppendReply,
  assertDistinctShards,
  type GridFacts,
  GridFormatUnknown,
  type HostFacts,
  type OpenJob,
  partitionOf,
  type ShardAppend,
  type Store,
} from './store.ts';
import type { TrustStore } from './trust-store.ts';

/** Raised when what is in Redis changes in a way that older programs would misread. */
const format = '2';

const scripts = {
  openGrid: new Script('open-grid'),
  ownGrid: new Script('own-grid'),
  disownGrid: new Script('disown-grid'),
  leaseKeys: new Script('lease-keys'),
  enrolHost: new Script('enrol-host'),
  submitJob: new Script('submit-job'),
  cancelJob: new Script('cancel-job'),
  pauseJob: new Script('pause-job'),
  resumeJob: new Script('resume-job'),
  curateJob: new Script('curate-job'),
  openShard: new Script('open-shard'),
  openCheck: new Script('open-check'),
  append: new Script('append'),
  amend: new Script('amend'),
};

export async function openRedisStore(address: RedisAddress): Promise<Store> {
  return new RedisStore(await openConnection(address));
}

class RedisStore implements Store {
  readonly registry: RedisRegistry;
  readonly ledger: LedgerStore;
  readonly trust: TrustStore;
  private readonly redis: Redis;
  private partitions = 1;

  constructor(redis: Redis) {
    this.redis = redis;
    this.registry = new RedisRegistry(redis);
    this.ledger = new RedisLedger(redis);
    this.trust = new RedisTrust(redis);
  }

  async openGrid(fresh: GridFacts): Promise<GridFacts> {
    const { gridId, partitions, createdAt } = fresh;
    const reply = await this.run('openGrid', [keys.grid], [format, gridId, partitions, createdAt]);
    const [found, id, count, created] = reply as [string, string, string, string];
    if (found !== format) {
      throw new GridFormatUnknown(
        `this Redis holds data format ${found}; this program reads ${format}`,
      );
    }
    this.partitions = Number(count);
    return { gridId: id, partitions: this.partitions, createdAt: Number(created) };
  }

  async ownGrid(coordinatorId: string, forMs: number): Promise<boolean> {
    return (await this.run('ownGrid', [keys.owner], [coordinatorId, forMs])) === 1;
  }

  async disownGrid(coordinatorId: string): Promise<void> {
    await this.run('disownGrid', [keys.owner], [coordinatorId]);
  }

  async leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]> {
    const secret = Buffer.from(fresh.secret).toString('base64');
    const flat = (await this.run('leaseKeys', [keys.leaseKeys], [fresh.keyId, secret])) as string[];
    const hash = pairs(flat);
    const newest = hash.get('newest') ?? '';
    hash.delete('newest');
    const read = (keyId: string): LeaseKey => ({
      keyId,
      secret: Buffer.from(hash.get(keyId) ?? '', 'base64'),
    });
    const others = [...hash.keys()].filter((keyId) => keyId !== newest).map(read);
    return [read(newest), ...others];
  }

  async signingKey(fresh: string): Promise<string> {
    await this.step((redis) => redis.setnx(keys.signingKey, fresh));
    return (await this.step((redis) => redis.get(keys.signingKey))) ?? fresh;
  }

  async enrolHost(host: HostFacts, remember: boolean): Promise<'known' | 'new' | 'other_account'> {
    const facts = JSON.stringify({
      ...host,
      hostKey: Buffer.from(host.hostKey).toString('base64'),
      accountKey: Buffer.from(host.accountKey).toString('base64'),
    });
    const reply = await this.run(
      'enrolHost',
      [keys.hosts, keys.names],
      [host.hostId, host.accountId, facts, host.name, remember ? 1 : 0],
    );
    return reply as 'known' | 'new' | 'other_account';
  }

  async submitJob(facts: JobFacts, curated = false): Promise<void> {
    const partition = this.partitionOf(facts.jobId);
    await this.run(
      'submitJob',
      [keys.job(partition, facts.jobId), keys.jobs(partition), keys.jobsOpen(partition)],
      [facts.jobId, JSON.stringify(facts), facts.units, facts.submittedAt, curated ? 1 : 0],
    );
  }

  async readJob(jobId: JobId): Promise<Job | null> {
    const key = this.keyOfJob(jobId);
    return readJobHash(await this.step((redis) => redis.hgetall(key)));
  }

  async listJobs(max: number): Promise<Job[]> {
    const lists = await Promise.all(
      this.eachPartition((p) => this.step((redis) => redis.zrevrange(keys.jobs(p), 0, max - 1))),
    );
    const jobs = await this.readJobs(lists.flat());
    return jobs.sort((a, b) => b.submittedAt - a.submittedAt).slice(0, max);
  }

  async openJobs(partition: number): Promise<OpenJob[]> {
    const ids = await this.step((redis) => redis.smembers(keys.jobsOpen(partition)));
    const jobs = await Promise.all(
      ids.map(async (jobId) => {
        const key = keys.job(partition, jobId);
        const fields = await this.step((redis) =>
          redis.hmget(key, 'state', 'cursor', 'submittedAt'),
        );
        const [state, cursor, submittedAt] = fields;
        return { jobId, state: state as JobState, cursor: Number(cursor), at: Number(submittedAt) };
      }),
    );
    return jobs
      .sort((a, b) => a.at - b.at)
      .map(({ jobId, state, cursor }) => ({ jobId, state, cursor }));
  }

  async cancelJob(jobId: JobId, now: number): Promise<'cancelled' | 'over' | 'unknown'> {
    const partition = this.partitionOf(jobId);
    const reply = await this.run(
      'cancelJob',
      [keys.job(partition, jobId), keys.jobsOpen(partition), keys.open(partition)],
      [jobId, now],
    );
    return reply as 'cancelled' | 'over' | 'unknown';
  }

  async pauseJob(
    jobId: JobId,
    cause: PauseCause,
    reason: string,
  ): Promise<'paused' | 'over' | 'unknown'> {
    const reply = await this.run('pauseJob', [this.keyOfJob(jobId)], [cause, reason]);
    return reply as 'paused' | 'over' | 'unknown';
  }

  async resumeJob(
    jobId: JobId,
    causes: readonly PauseCause[],
  ): Promise<'open' | 'paused' | 'over' | 'unknown'> {
    const args = [causes.length, ...causes];
    const reply = await this.run('resumeJob', [this.keyOfJob(jobId)], args);
    return reply as 'open' | 'paused' | 'over' | 'unknown';
  }

  async isCurated(jobId: JobId): Promise<boolean> {
    const key = this.keyOfJob(jobId);
    return (await this.step((redis) => redis.hget(key, 'curated'))) === '1';
  }

  async curateJob(jobId: JobId, curated: boolean): Promise<boolean> {
    return (await this.run('curateJob', [this.keyOfJob(jobId)], [curated ? 1 : 0])) === 1;
  }

  async openShard(job: JobFacts, shard: Shard): Promise<boolean> {
    if ('list' in shard.units) throw new Error('a split shard is a run of units');
    const partition = this.partitionOf(job.jobId);
    const { from, count } = shard.units;
    const reply = await this.run(
      'openShard',
      [keys.job(partition, job.jobId), keys.open(partition)],
      [shardId(shard), writeShard(shard), from, from + count],
    );
    return reply === 1;
  }

  async openShards(partition: number): Promise<Shard[]> {
    const hash = await this.step((redis) => redis.hgetall(keys.open(partition)));
    return Object.entries(hash).map(([id, text]) => readShard(id, text));
  }

  openShardIds(partition: number): Promise<ShardId[]> {
    return this.step((redis) => redis.hkeys(keys.open(partition)));
  }

  async readOpenShard(shard: Pick<Shard, 'jobId' | 'number'>): Promise<Shard | null> {
    const key = keys.open(this.partitionOf(shard.jobId));
    const id = shardId(shard);
    const text = await this.step((redis) => redis.hget(key, id));
    return text === null ? null : readShard(id, text);
  }

  async openCheck(shard: Shard): Promise<'opened' | 'stands' | 'over'> {
    const partition = this.partitionOf(shard.jobId);
    const reply = await this.run(
      'openCheck',
      [keys.job(partition, shard.jobId), keys.open(partition), keys.journal(partition, shard)],
      [shardId(shard), writeShard(shard)],
    );
    return reply as 'opened' | 'stands' | 'over';
  }

  async readJournal(shard: Shard, fromByte = 0): Promise<Uint8Array> {
    const key = keys.journal(this.partitionOf(shard.jobId), shard);
    return await this.step((redis) => redis.getrangeBuffer(key, fromByte, -1));
  }

  async append(
    partition: number,
    appends: readonly ShardAppend[],
    now: number,
  ): Promise<AppendReply[]> {
    assertDistinctShards(appends);
    const named = [
      keys.open(partition),
      keys.jobsOpen(partition),
      keys.outbox(partition),
      keys.outboxNumber(partition),
    ];
    const args: (string | number | Buffer)[] = [now, appends.length];
    for (const { shard, bytes, ...append } of appends) {
      named.push(keys.journal(partition, shard), keys.job(partition, shard.jobId));
      args.push(
        shardId(shard),
        shard.jobId,
        append.expectedLength,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        append.closes ? (isCheck(shard) ? 'check' : 'split') : '',
        append.canonical,
        append.failed,
        // Not String(fuel): that rounds a number beyond 2^53 to the digits that tell it apart.
        BigInt(append.fuel).toString(),
        append.creditMicro,
        writePayments({ jobId: shard.jobId, isCheck: isCheck(shard) }, append.pay),
      );
    }
    const replies = (await this.run('append', named, args)) as (string | number)[];
    return replies.map(appendReply);
  }

  async amend(name: string, amendment: Amendment): Promise<void> {
    const { jobId, unit, place } = amendment;
    const partition = this.partitionOf(jobId);
    await this.run(
      'amend',
      [keys.amendments(partition, jobId), keys.outbox(partition), keys.outboxNumber(partition)],
      [
        name,
        unit,
        place === null ? '' : JSON.stringify(place),
        writePayments({ jobId, isCheck: false }, revocations(amendment)),
      ],
    );
  }

  async readAmendments(jobId: JobId): Promise<Map<number, Place>> {
    const key = keys.amendments(this.partitionOf(jobId), jobId);
    const hash = await this.step((redis) => redis.hgetall(key));
    const units = Object.entries(hash).filter(([field]) => !field.startsWith('done '));
    return new Map(units.map(([unit, text]) => [Number(unit), JSON.parse(text) as Place]));
  }

  async readOutbox(partition: number, afterNumber: number, max: number): Promise<OutboxRecord[]> {
    const entries = await this.step((redis) =>
      redis.xrange(keys.outbox(partition), `${afterNumber + 1}-0`, '+', 'COUNT', max),
    );
    return entries.map(([id, fields]) => ({
      number: Number(id.split('-')[0]),
      ...readPayments(fields[1] ?? ''),
    }));
  }

  async trimOutbox(partition: number, upToNumber: number): Promise<void> {
    await this.step((redis) => redis.xtrim(keys.outbox(partition), 'MINID', `${upToNumber + 1}-0`));
  }

  async names(accountIds: readonly AccountId[]): Promise<string[]> {
    if (accountIds.length === 0) return [];
    const names = await this.step((redis) => redis.hmget(keys.names, ...accountIds));
    return names.map((name) => name ?? '');
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }

  private async readJobs(ids: readonly JobId[]): Promise<Job[]> {
    const jobs = await Promise.all(ids.map((id) => this.readJob(id)));
    return jobs.filter((job) => job !== null);
  }

  private eachPartition<T>(run: (partition: number) => T): T[] {
    return Array.from({ length: this.partitions }, (_, partition) => run(partition));
  }

  private keyOfJob(jobId: JobId): string {
    return keys.job(this.partitionOf(jobId), jobId);
  }

  private partitionOf(jobId: JobId): number {
    return partitionOf(jobId, this.partitions);
  }

  private step<T>(run: (redis: Redis) => Promise<T>): Promise<T> {
    return step(this.redis, run);
  }

  private run(name: keyof typeof scripts, named: string[], args: (string | number | Buffer)[]) {
    return this.step((redis) => scripts[name].run(redis, named, args));
  }
}

function appendReply(reply: string | number): AppendReply {
  if (typeof reply === 'number') return { kind: 'stale', length: reply };
  if (reply === 'closed') return { kind: 'closed' };
  return { kind: 'written', jobEnded: reply === 'ended' };
}

function pairs(flat: readonly unknown[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(String(flat[i]), String(flat[i + 1]));
  return map;
}
