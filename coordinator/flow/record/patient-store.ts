/**
 * Asks Redis again, for as long as it takes. While Redis is away or its disk is full, a commit waits:
 * the identical bytes go out until there is a reply, because a reply that was lost says nothing about
 * whether they were written. No bound on the tries: whoever reported waits for an answer that is
 * certain, and a host that gives up reports again.
 */
import type { Logger } from 'pino';
import type { Shard } from '../../domain/shard.ts';
import {
  type AppendReply,
  OutcomeUnknown,
  type ShardAppend,
  StorageRefuses,
  type Store,
} from '../../store/store.ts';
import type { Clock } from '../context.ts';

/** Between tries while Redis is away. An embedded Redis is back within about a second. */
const retryDelayMs = 200;

export type PatientStoreParts = { partition: number; store: Store; clock: Clock; log: Logger };

export class PatientStore {
  private readonly parts: PatientStoreParts;
  /** True while Redis refuses writes. */
  isRefused = false;

  constructor(parts: PatientStoreParts) {
    this.parts = parts;
  }

  async append(appends: ShardAppend[]): Promise<AppendReply[]> {
    if (appends.length === 0) return [];
    const { store, partition, clock, log } = this.parts;
    for (;;) {
      try {
        const replies = await store.append(partition, appends, clock.now());
        this.isRefused = false;
        return replies;
      } catch (error) {
        if (!isAboutRedis(error)) throw error;
        if (!this.isRefused)
          log.warn({ err: error }, 'cannot store results; trying until Redis can');
        this.isRefused = true;
        await this.pause();
      }
    }
  }

  async readJournal(shard: Shard, fromByte: number): Promise<Uint8Array> {
    return await this.read((store) => store.readJournal(shard, fromByte));
  }

  async readOpenShard(shard: Shard): Promise<Shard | null> {
    return await this.read((store) => store.readOpenShard(shard));
  }

  /** Reading may wait as long as writing. */
  private async read<Value>(from: (store: Store) => Promise<Value>): Promise<Value> {
    for (;;) {
      try {
        return await from(this.parts.store);
      } catch (error) {
        if (!isAboutRedis(error)) throw error;
        await this.pause();
      }
    }
  }

  private pause(): Promise<void> {
    return new Promise((done) => void this.parts.clock.after(retryDelayMs, done));
  }
}

const isAboutRedis = (error: unknown): boolean =>
  error instanceof OutcomeUnknown || error instanceof StorageRefuses;
