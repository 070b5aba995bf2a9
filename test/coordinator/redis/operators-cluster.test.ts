/** The operator's Redis Cluster is looked at before a grid is put on it: each of its masters, and whether it is one. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../../coordinator/redis/open.ts';
import { freePort } from '../../chaos/tcp-proxy.ts';
import { startPrivateRedis } from '../../support/private-redis.ts';
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.stop());

const open = async (url: string) => {
  const lines: string[] = [];
  const redis = await openRedis({ url, dataDir: '/nowhere', log: (line) => lines.push(line) });
  return { redis, lines };
};
const at = (server: number): string => {
  const place = cluster.address.cluster[server];
  return `${place?.host}:${place?.port}`;
};

describe("the operator's cluster", () => {
  test('is found by any of its servers, and all of its masters', async () => {
    const { redis, lines } = await open(`redis-cluster://127.0.0.1:1,${at(4)}`);
    expect(redis).toMatchObject({ embedded: false, masters: 3 });
    expect(lines).toEqual([]);
  });

  test('is warned about when one of its masters would lose or evict what was acknowledged', async () => {
    const settings = ['maxmemory-policy', 'appendfsync'] as const;
    for (const [i, value] of ['allkeys-lru', 'everysec'].entries())
      await cluster.servers[i + 1]?.config('SET', settings[i] ?? '', value);
    onTestFinished(async () => {
      await cluster.servers[1]?.config('SET', 'maxmemory-policy', 'noeviction');
      await cluster.servers[2]?.config('SET', 'appendfsync', 'always');
    });
    const { lines } = await open(cluster.url);
    expect(lines).toHaveLength(2);
    expect(lines).toContain(
      `The Redis at ${at(1)} evicts keys (allkeys-lru): set maxmemory-policy noeviction`,
    );
    expect(lines).toContainEqual(
      expect.stringContaining(`The Redis at ${at(2)} does not sync each write`),
    );
  });

  test('is not taken for a server of its own', async () => {
    await expect(open(`redis://${at(0)}`)).rejects.toMatchObject({
      code: 'redis_cluster_unusable',
      doThis: `Give --redis redis-cluster://${at(0)}`,
    });
  });

  test('is refused while nobody serves a part of its keys', async () => {
    await Promise.all([0, 3].map((server) => cluster.kill9(server)));
    const opening = () => open(`redis-cluster://${at(1)}`).then(({ lines }) => lines);
    // As soon as the others have noticed.
    await expect
      .poll(() => opening().catch(({ code }) => code), { timeout: 20_000 })
      .toBe('redis_cluster_unusable');
    await expect(opening()).rejects.toMatchObject({
      why: expect.stringMatching(/^109\d\d of its 16384 slots are served$/),
    });
  });
});

test('a server of its own is not taken for a cluster', async () => {
  const server = await startPrivateRedis();
  onTestFinished(() => server.stop());
  const client = new Redis(server.connection);
  const port = await freePort();
  await client.config('SET', 'port', port);
  client.disconnect();
  await expect(open(`redis-cluster://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'redis_cluster_unusable',
    why: expect.stringContaining('a server of its own'),
  });
});
