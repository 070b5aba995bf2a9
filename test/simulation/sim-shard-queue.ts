/**
 * A coordinator's end of the shard queue: what coordinator/queue/shard-queue.ts is to BullMQ, this is
 * to the broker in memory, with the same memory of what is held, the same renewals, and the same
 * silence about what did not work. Commands wait while Redis is down, as BullMQ's connections do.
 */
import type { ShardId } from '../../coordinator/domain/shard.ts';
import type { ShardQueue } from '../../coordinator/flow/context.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { ShardBroker } from './shard-broker.ts';
import type { SimClock } from './sim-clock.ts';
import type { Weather } from './weather.ts';

/** As in coordinator/queue/shard-queue.ts. */
const renewMs = 2500;
const stalledCheckMs = 2000;
/** There and back. */
const tripMsMax = 4;
/** Between looks whether Redis is back. */
const awayMs = 100;

export type SimShardQueueParts = {
  owner: string;
  partitions: number;
  broker: ShardBroker;
  clock: SimClock;
  life: Life;
  weather: Weather;
  random: Random;
  lost(id: ShardId): void;
};

export class SimShardQueue implements ShardQueue {
  private readonly parts: SimShardQueueParts;
  private readonly holdings: Set<ShardId>[];

  constructor(parts: SimShardQueueParts) {
    this.parts = parts;
    this.holdings = Array.from({ length: parts.partitions }, () => new Set());
    this.every(renewMs, (partition) => this.renew(partition));
    this.every(stalledCheckMs, (partition) =>
      this.command(() => parts.broker.checkStalled(partition, parts.clock.now)),
    );
  }

  async add(partition: number, shards: readonly ShardId[]): Promise<void> {
    const { broker, weather } = this.parts;
    const added = shards.filter((id) => !this.at(partition).has(id));
    if (added.length === 0) return;
    await this.command(() => {
      for (const id of added) if (!weather.isForgotten()) broker.add(partition, id);
    });
  }

  async take(partition: number, max: number): Promise<ShardId[]> {
    const { broker, owner, clock, weather } = this.parts;
    const taken = await this.command(() => {
      // The reply was lost and the command sent again: an entry is ours, and we do not know it.
      if (weather.fate() === 'lost_after') broker.take(partition, owner, clock.now);
      const ids: ShardId[] = [];
      for (let id: ShardId | null = ''; id !== null && ids.length < max; ) {
        id = broker.take(partition, owner, clock.now);
        if (id !== null) ids.push(id);
      }
      return ids;
    });
    for (const id of taken) this.at(partition).add(id);
    return taken;
  }

  async takeBack(partition: number): Promise<ShardId[]> {
    const { broker, owner, clock } = this.parts;
    const ours = await this.command(() =>
      broker.active(partition).filter((id) => broker.renew(partition, id, owner, clock.now)),
    );
    for (const id of ours) this.at(partition).add(id);
    return ours;
  }

  async finish(partition: number, id: ShardId): Promise<void> {
    const { broker, owner, clock } = this.parts;
    if (!this.at(partition).delete(id)) return;
    await this.command(() => broker.complete(partition, id, owner, clock.now)).catch(comesBack);
  }

  held(partition: number): ShardId[] {
    return [...this.at(partition)];
  }

  async giveBack(partition: number, id: ShardId): Promise<void> {
    const { broker, owner, clock } = this.parts;
    if (!this.at(partition).delete(id)) return;
    await this.command(() => broker.moveToWait(partition, id, owner, clock.now)).catch(comesBack);
  }

  async giveBackOf(partition: number, owner: string): Promise<void> {
    const { broker, clock } = this.parts;
    await this.command(() => {
      for (const id of broker.active(partition)) broker.moveToWait(partition, id, owner, clock.now);
    });
  }

  async close(): Promise<void> {
    for (const [partition, held] of this.holdings.entries()) {
      await Promise.all([...held].map((id) => this.giveBack(partition, id)));
    }
  }

  private async renew(partition: number): Promise<void> {
    const { broker, owner, clock, lost } = this.parts;
    const ids = this.held(partition);
    if (ids.length === 0) return;
    const gone = await this.command(() =>
      ids.filter((id) => !broker.renew(partition, id, owner, clock.now)),
    );
    for (const id of gone) if (this.at(partition).delete(id)) lost(id);
  }

  private every(ms: number, work: (partition: number) => Promise<void>): void {
    const { clock } = this.parts.life;
    clock.after(ms, () => {
      for (const partition of this.holdings.keys()) void work(partition).catch(comesBack);
      this.every(ms, work);
    });
  }

  /** Rejects when Redis refuses to write, which all of these do. */
  private command<T>(run: () => T): Promise<T> {
    const { clock, life, random, weather } = this.parts;
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) =>
        clock.after(random.fraction() * (tripMsMax / 2), () => life.reach(done));
      const send = () => {
        if (life.isOver) return;
        if (weather.isRedisDown) clock.after(awayMs, send);
        else if (weather.isRefusing) settle(() => reject(new Error('MISCONF the disk is full')));
        else {
          const value = run();
          settle(() => resolve(value));
        }
      };
      clock.after(random.fraction() * (tripMsMax / 2), send);
    });
  }

  private at(partition: number): Set<ShardId> {
    const held = this.holdings[partition];
    if (held === undefined) throw new Error(`there is no partition ${partition}`);
    return held;
  }
}

/** What did not work is tried again: by the next renewal, or the stalled check. */
const comesBack = (): void => {};
