/** The operator's Redis while it loads: a server that answers as Redis does then, because a real one takes gigabytes for it. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openRedis } from '../../../coordinator/redis/open.ts';

/** `aof_enabled` is 0 while a journal is loaded, whatever is set (Redis 7.0, loadSingleAppendOnlyFile). */
const loading =
  'redis_version:7.0.15\r\nloading:1\r\nloading_loaded_perc:41.7\r\naof_enabled:0\r\n';
const loaded =
  'redis_version:7.0.15\r\nloading:0\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n';

test('a Redis that loads its journal is waited for, and not said to keep none', async () => {
  const answers = [loading, loaded];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const isInfo = /info/i.test(bytes.toString());
      const info = isInfo ? (answers.shift() ?? loaded) : '';
      socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : '-ERR unknown command\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  const lines: string[] = [];
  const url = `redis://127.0.0.1:${port}`;
  const redis = await openRedis({ url, dataDir: '/nowhere', log: (line) => lines.push(line) });
  expect(redis).toMatchObject({ version: '7.0.15', masters: 1 });
  expect(lines).toEqual([`The Redis at 127.0.0.1:${port} loads its journal (41 %)`]);
});
