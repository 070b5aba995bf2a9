/**
 * Shards as BullMQ entries: one entry a shard, its id the shard's. BullMQ brings the durable queue,
 * ownership by a lock that a living coordinator renews, and the return of a dead one's shards. It is
 * the wake-up, not the truth: an entry says "look at this shard", and the journal says what to do.
 *
 * Entries are fetched by hand (`getNextJob`), because a coordinator takes shards when its window
 * runs low and not when BullMQ has some; so the locks are renewed here as well. The lock's token is
 * the coordinator's own lasting id: started again after a crash it finds its entries still locked by
 * itself and takes them up at once, instead of waiting for the lock to run out.
 */
import { Queue, type Job as QueueEntry, Worker } from 'bullmq';
import type { Logger } from 'pino';
import type { ShardId } from '../domain/shard.ts';
import type { ShardQueue } from '../flow/context.ts';
import { partitionTag } from '../store/keys.ts';
import { makeClient, type RedisAddress, type RedisClient } from '../store/redis-connection.ts';

const queueName = 'shards';
/**
 * Longer than the others take to miss a coordinator (flow/meet.ts) and give its shards back under its own lock: some
 * 7 s. The stalled check is for what they miss.
 */
const lockMs = 12_000;
const stalledCheckMs = 2000;
/** What is left of a lock when its coordinator dies is 9.5 s at least; three renewals may be lost. */
const renewMs = 2500;
/** A stalled shard is a coordinator that died, never the shard's fault: never give one up. */
const stalledCountMax = 1_000_000;
/** Fetches under way at once; BullMQ hands out one entry a call. */
const fetchesAtOnce = 8;

type Partition = {
  queue: Queue;
  worker: Worker;
  connections: RedisClient[];
  held: Map<ShardId, QueueEntry>;
};

export type ShardQueueOptions = {
  address: RedisAddress;
  partitions: number;
  coordinatorId: string;
  log: Logger;
  /** A shard's lock was lost: somebody else may hold it now. */
  lost(id: ShardId): void;
};

export class BullShardQueue implements ShardQueue {
  private readonly options: ShardQueueOptions;
  private readonly partitions: Partition[] = [];
  private timer: NodeJS.Timeout | null = null;

  private constructor(options: ShardQueueOptions) {
    this.options = options;
  }

  static async open(options: ShardQueueOptions): Promise<BullShardQueue> {
    const queue = new BullShardQueue(options);
    for (let partition = 0; partition < options.partitions; partition++) {
      queue.partitions.push(await queue.openPartition(partition));
    }
    queue.timer = setInterval(() => void queue.renewAll(), renewMs);
    return queue;
  }

  async add(partition: number, shards: readonly ShardId[]): Promise<void> {
    const { queue, held } = this.at(partition);
    const entries = shards
      .filter((id) => !held.has(id))
      .map((id) => ({ name: 'shard', data: {}, opts: { jobId: id, removeOnComplete: true } }));
    if (entries.length > 0) await queue.addBulk(entries);
  }

  async take(partition: number, max: number): Promise<ShardId[]> {
    const { worker, held } = this.at(partition);
    const taken: ShardId[] = [];
    const fetchOne = async (): Promise<boolean> => {
      const entry = await worker.getNextJob(this.options.coordinatorId, { block: false });
      if (entry?.id === undefined) return false;
      held.set(entry.id, entry);
      taken.push(entry.id);
      return true;
    };
    for (let left = max; left > 0; left -= fetchesAtOnce) {
      const found = await Promise.all(
        Array.from({ length: Math.min(left, fetchesAtOnce) }, fetchOne),
      );
      if (found.includes(false)) break;
    }
    return taken;
  }

  /** Takes up the entries that an earlier run of this very coordinator held when it died. */
  async takeBack(partition: number): Promise<ShardId[]> {
    const { queue, held } = this.at(partition);
    const taken: ShardId[] = [];
    for (const entry of await queue.getActive()) {
      const isOurs = await entry
        .extendLock(this.options.coordinatorId, lockMs)
        .then((reply) => reply === 1)
        .catch(() => false);
      if (!isOurs || entry.id === undefined) continue;
      held.set(entry.id, entry);
      taken.push(entry.id);
    }
    return taken;
  }

  async finish(partition: number, id: ShardId): Promise<void> {
    const { held } = this.at(partition);
    const entry = held.get(id);
    if (entry === undefined) return;
    held.delete(id);
    await entry.moveToCompleted('', this.options.coordinatorId, false).catch((error) => {
      // The entry comes back as stalled, is looked at, found closed, and finished then.
      this.options.log.debug({ err: error, shard: id }, 'a shard entry could not be finished yet');
    });
  }

  held(partition: number): ShardId[] {
    return [...this.at(partition).held.keys()];
  }

  async giveBack(partition: number, id: ShardId): Promise<void> {
    const { held } = this.at(partition);
    const entry = held.get(id);
    if (entry === undefined) return;
    held.delete(id);
    await entry.moveToWait(this.options.coordinatorId).catch(() => {
      // Redis is gone or the lock is: then the stalled check hands the shard on.
    });
  }

  async giveBackOf(partition: number, coordinatorId: string): Promise<void> {
    const { queue } = this.at(partition);
    for (const entry of await queue.getActive()) {
      await entry.moveToWait(coordinatorId).catch(() => {
        // It is another's, or its lock has run out: then the stalled check hands it on.
      });
    }
  }

  /** Hands everything back, so that another coordinator has it at once, and closes. */
  async close(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    for (const [partition, { queue, worker, held, connections }] of this.partitions.entries()) {
      await Promise.all([...held.keys()].map((id) => this.giveBack(partition, id)));
      await worker.close(true);
      await queue.close();
      for (const connection of connections) connection.disconnect();
    }
  }

  private async openPartition(partition: number): Promise<Partition> {
    const { address, log } = this.options;
    // BullMQ wants commands that wait for the connection to come back, without a limit.
    const connections = [1, 2].map(() =>
      makeClient(address, { maxRetriesPerRequest: null, retryStrategy }),
    );
    const [forQueue, forWorker] = connections;
    if (forQueue === undefined || forWorker === undefined)
      throw new Error('two connections were made');
    const prefix = partitionTag(partition);
    const queue = new Queue(queueName, {
      connection: forQueue,
      prefix,
      streams: { events: { maxLen: 100 } },
    });
    const worker = new Worker(queueName, null, {
      connection: forWorker,
      prefix,
      autorun: false,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: stalledCountMax,
      removeOnComplete: { count: 0 },
    });
    const disturbed = (error: Error) =>
      log.debug({ err: error, partition }, 'the shard queue is disturbed');
    queue.on('error', disturbed);
    worker.on('error', disturbed);
    await worker.waitUntilReady();
    await worker.startStalledCheckTimer();
    return { queue, worker, connections, held: new Map() };
  }

  private async renewAll(): Promise<void> {
    for (const { worker, held } of this.partitions) {
      const ids = [...held.keys()];
      if (ids.length === 0) continue;
      const tokens = ids.map(() => this.options.coordinatorId);
      const lost = await worker.extendJobLocks(ids, tokens, lockMs).catch(() => []);
      for (const id of lost) {
        if (!held.delete(id)) continue;
        this.options.log.warn({ shard: id }, 'the lock of a shard was lost');
        this.options.lost(id);
      }
    }
  }

  private at(partition: number): Partition {
    const found = this.partitions[partition];
    if (found === undefined) throw new Error(`there is no partition ${partition}`);
    return found;
  }
}

const retryStrategy = (attempt: number): number => Math.min(20 * 2 ** attempt, 1000);
