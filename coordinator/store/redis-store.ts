/**
 * The store over Redis. Each step is one command or one script; keys come from keys.ts alone. Here: the
 * open shards of a partition, their journals and its outbox, which share a slot and so a script.
 */
import type { JobId } from '../../protocol/ids.ts';
import { shardsPerGroup } from '../domain/archive-group.ts';
import type { OutboxRecord } from '../domain/award.ts';
import type { JobFacts } from '../domain/job.ts';
import { type LateResult, lateName } from '../domain/late.ts';
import { firstShardOf, isCheck, type Shard, type ShardId, shardId } from '../domain/shard.ts';
import { type Amendment, type Place, revocations } from '../domain/trust/docket.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { type Connection, plainConnection } from './connection.ts';
import { readPayments, readShard, writePayments, writeShard } from './job-record.ts';
import { KeptConnection } from './kept-connection.ts';
import { keys } from './keys.ts';
import { MemoryArchiveFiles } from './memory-archive.ts';
import { OutboxReads } from './outbox-reads.ts';
import { RedisAccounts } from './redis-accounts.ts';
import { RedisArchive } from './redis-archive.ts';
import { failsOver, openConnection, type RedisAddress } from './redis-connection.ts';
import { RedisGrid } from './redis-grid.ts';
import { RedisJobs } from './redis-jobs.ts';
import { RedisLedger } from './redis-ledger.ts';
import { RedisLevels } from './redis-levels.ts';
import { RedisPart } from './redis-part.ts';
import { RedisPeers } from './redis-peers.ts';
import { RedisRegistry } from './redis-registry.ts';
import { RedisTrust } from './redis-trust.ts';
import { Script, type ScriptArg } from './script.ts';
import {
  type AppendReply,
  assertDistinctShards,
  type CheckReply,
  type ShardAppend,
  type Store,
} from './store.ts';

const openShard = new Script('open-shard');
const openCheck = new Script('open-check');
const append = new Script('append');
const amend = new Script('amend');
const noteLate = new Script('note-late');

/** Is told of every append that Redis answered: what it was, what became of it, and how long that took. */
export type AppendWatch = (
  appends: readonly ShardAppend[],
  replies: readonly AppendReply[],
  tookMs: number,
) => void;

/**
 * Without files no journal of the archive can be read: that is for whoever reads none. `tell` hears what its operator
 * should know of a Redis that fails over.
 */
export async function openRedisStore(
  address: RedisAddress,
  watch: AppendWatch = () => {},
  files: ArchiveFiles = new MemoryArchiveFiles(),
  tell: (line: string) => void = () => {},
): Promise<Store & { readonly grid: RedisGrid; readonly levels: RedisLevels }> {
  const client = await openConnection(address);
  const redis = failsOver(address) ? new KeptConnection(client, tell) : plainConnection(client);
  return new RedisStore(redis, watch, files);
}

class RedisStore extends RedisPart implements Store {
  readonly grid = new RedisGrid(this.redis);
  readonly peers = new RedisPeers(this.redis);
  readonly accounts = new RedisAccounts(this.redis);
  readonly registry = new RedisRegistry(this.redis);
  readonly jobs: RedisJobs;
  private readonly outboxReads = new OutboxReads();
  readonly trust = new RedisTrust(this.redis);
  readonly ledger = new RedisLedger(this.redis);
  readonly archive: RedisArchive;
  readonly levels = new RedisLevels(this.redis);
  private readonly watch: AppendWatch;

  constructor(redis: Connection, watch: AppendWatch, files: ArchiveFiles) {
    super(redis);
    this.jobs = new RedisJobs(redis, this.grid, files, this.outboxReads);
    this.archive = new RedisArchive(redis, this.grid, files);
    this.watch = watch;
  }

  async openShard(job: JobFacts, shard: Shard): Promise<boolean> {
    if ('list' in shard.units) throw new Error('a split shard is a run of units');
    const partition = this.grid.partitionOf(job.jobId);
    const { from, count } = shard.units;
    const reply = await this.run(
      openShard,
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
    const key = keys.open(this.grid.partitionOf(shard.jobId));
    const id = shardId(shard);
    const text = await this.step((redis) => redis.hget(key, id));
    return text === null ? null : readShard(id, text);
  }

  async openCheck({ unitsPerShard }: JobFacts, shard: Shard): Promise<CheckReply> {
    const partition = this.grid.partitionOf(shard.jobId);
    const reply = await this.run(
      openCheck,
      [
        keys.job(partition, shard.jobId),
        keys.open(partition),
        keys.journal(partition, shard),
        keys.archived(partition, shard.jobId),
      ],
      [
        shardId(shard),
        shard.number,
        shardsPerGroup,
        writeShard(shard),
        firstShardOf(shard, unitsPerShard),
      ],
    );
    return reply as CheckReply;
  }

  async readJournal(shard: Shard, fromByte = 0): Promise<Uint8Array> {
    const key = keys.journal(this.grid.partitionOf(shard.jobId), shard);
    const bytes = await this.kept(key, (redis) => redis.getrangeBuffer(key, fromByte, -1));
    return bytes.length > 0 ? bytes : (await this.archive.read(shard)).subarray(fromByte);
  }

  async append(
    partition: number,
    appends: readonly ShardAppend[],
    now: number,
  ): Promise<AppendReply[]> {
    assertDistinctShards(appends);
    const named = [keys.open(partition), keys.outbox(partition), keys.outboxNumber(partition)];
    const args: ScriptArg[] = [now, this.outboxReads.upTo(partition), appends.length];
    for (const { shard, bytes, ...each } of appends) {
      named.push(keys.journal(partition, shard), keys.job(partition, shard.jobId));
      args.push(
        shardId(shard),
        shard.jobId,
        each.expectedLength,
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        each.closes ? (isCheck(shard) ? 'check' : 'split') : '',
        each.canonical,
        each.failed,
        // Not String(fuel): that rounds a number beyond 2^53 to the digits that tell it apart.
        BigInt(each.fuel).toString(),
        each.creditMicro,
        writePayments({ jobId: shard.jobId, isCheck: isCheck(shard) }, each.pay),
      );
    }
    const began = performance.now();
    const words = (await this.run(append, named, args)) as (string | number)[];
    const replies = words.map(appendReply);
    this.watch(appends, replies, performance.now() - began);
    return replies;
  }

  async amend(name: string, amendment: Amendment, shard: number): Promise<void> {
    const { jobId, unit, place } = amendment;
    const partition = this.grid.partitionOf(jobId);
    await this.run(
      amend,
      [
        keys.amendments(partition, jobId),
        keys.revoked(partition, jobId),
        keys.outbox(partition),
        keys.outboxNumber(partition),
        keys.job(partition, jobId),
      ],
      [
        name,
        unit,
        place === null ? '' : JSON.stringify(place),
        writePayments({ jobId, isCheck: false }, revocations(amendment)),
        shard,
        this.outboxReads.upTo(partition),
      ],
    );
  }

  async readAmendments(jobId: JobId): Promise<Map<number, Place>> {
    const key = keys.amendments(this.grid.partitionOf(jobId), jobId);
    const hash = await this.step((redis) => redis.hgetall(key));
    const fields = Object.entries(hash);
    if (fields.length === 0) {
      const record = await this.archive.recordIfGone(jobId);
      return new Map(record?.amendments);
    }
    const units = fields.filter(([field]) => !field.startsWith('done '));
    return new Map(units.map(([unit, text]) => [Number(unit), JSON.parse(text) as Place]));
  }

  async readRevoked(jobId: JobId, after: number, max: number): Promise<number[]> {
    const key = keys.revoked(this.grid.partitionOf(jobId), jobId);
    const units = await this.step((redis) => redis.lrange(key, after, after + max - 1));
    if (units.length > 0) return units.map(Number);
    const record = await this.archive.recordIfGone(jobId);
    return record?.revoked.slice(after, after + max) ?? [];
  }

  async noteLate(jobId: JobId, late: readonly LateResult[]): Promise<void> {
    const partition = this.grid.partitionOf(jobId);
    await this.run(
      noteLate,
      [keys.late(partition, jobId), keys.job(partition, jobId)],
      [late.length, ...late.flatMap((one) => [one.shard, lateName(one), JSON.stringify(one)])],
    );
  }

  async readLate(jobId: JobId): Promise<LateResult[]> {
    const key = keys.late(this.grid.partitionOf(jobId), jobId);
    const texts = await this.step((redis) => redis.hvals(key));
    return texts.map((text) => JSON.parse(text) as LateResult);
  }

  async readOutbox(partition: number, afterNumber: number, max: number): Promise<OutboxRecord[]> {
    const key = keys.outbox(partition);
    const entries = await this.kept(key, (redis) =>
      redis.xrange(key, `${afterNumber + 1}-0`, '+', 'COUNT', max),
    );
    const records = entries.map(([id, fields]) => ({
      number: Number(id.split('-')[0]),
      ...readPayments(fields[1] ?? ''),
    }));
    this.outboxReads.note(partition, records.at(-1)?.number ?? afterNumber);
    return records;
  }

  async trimOutbox(partition: number, upToNumber: number): Promise<void> {
    await this.step((redis) => redis.xtrim(keys.outbox(partition), 'MINID', `${upToNumber + 1}-0`));
  }

  async close(): Promise<void> {
    this.redis.client.disconnect();
  }
}

function appendReply(reply: string | number): AppendReply {
  if (typeof reply === 'number') return { kind: 'stale', length: reply };
  if (reply === 'closed') return { kind: 'closed' };
  return { kind: 'written', jobDecided: reply === 'decided' };
}
