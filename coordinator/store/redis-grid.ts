/** The grid's own facts over Redis, in `{grid}`; and which partition a job lives in. */
import type { JobId } from '../../protocol/ids.ts';
import type { LeaseKey } from '../domain/lease.ts';
import { type GridFacts, GridFormatUnknown, type GridStore } from './grid-store.ts';
import { keys } from './keys.ts';
import { migrate, migrations } from './migrations.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';
import { partitionOf } from './store.ts';

/** Raised when what is in Redis changes in a way that older programs would misread. */
const format = '4';

const openGrid = new Script('open-grid');
const leaseKeys = new Script('lease-keys');

export class RedisGrid extends RedisPart implements GridStore {
  /** Known once the grid is open. */
  partitions = 1;

  partitionOf(jobId: JobId): number {
    return partitionOf(jobId, this.partitions);
  }

  async open(fresh: GridFacts): Promise<GridFacts> {
    const { gridId, partitions, createdAt } = fresh;
    const reply = await this.run(openGrid, [keys.grid], [format, gridId, partitions, createdAt]);
    const [found, id, count, created] = reply as [string, string, string, string];
    if (found !== format) {
      // They would misread it; one that owns the grid alone is refused a little later.
      if ((await this.step((redis) => redis.zcount(keys.peers, Date.now(), '+inf'))) > 0)
        throw new GridFormatUnknown(
          'coordinators of an older version are running: all of them are to be stopped before one of this version starts',
        );
      await this.step((redis) => migrate(redis, found, format, migrations));
    }
    this.partitions = Number(count);
    return { gridId: id, partitions: this.partitions, createdAt: Number(created) };
  }

  /** The grid that is there, of whatever format; null when there is none. */
  async find(): Promise<{ gridId: string; format: string } | null> {
    const [gridId, found] = await this.step((redis) => redis.hmget(keys.grid, 'gridId', 'format'));
    return gridId == null || found == null ? null : { gridId, format: found };
  }

  async leaseKeys(fresh: LeaseKey): Promise<[LeaseKey, ...LeaseKey[]]> {
    const secret = Buffer.from(fresh.secret).toString('base64');
    const flat = (await this.run(leaseKeys, [keys.leaseKeys], [fresh.keyId, secret])) as string[];
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

  async folderId(fresh: string | null): Promise<string | null> {
    if (fresh !== null) await this.step((redis) => redis.setnx(keys.folder, fresh));
    return await this.step((redis) => redis.get(keys.folder));
  }

  async artifactsId(fresh: string | null): Promise<string | null> {
    if (fresh !== null) await this.step((redis) => redis.setnx(keys.artifacts, fresh));
    return await this.step((redis) => redis.get(keys.artifacts));
  }

  async lastClearing(): Promise<number | null> {
    const at = await this.step((redis) => redis.get(keys.clearingAt));
    return at === null ? null : Number(at);
  }

  async beginClearing(now: number): Promise<void> {
    await this.step((redis) => redis.set(keys.clearingAt, now));
  }

  async signingKey(fresh: string): Promise<string> {
    const key = keys.signingKey;
    await this.kept(key, (redis) => redis.setnx(key, fresh));
    return (await this.step((redis) => redis.get(key))) ?? fresh;
  }
}

function pairs(flat: readonly unknown[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(String(flat[i]), String(flat[i + 1]));
  return map;
}
