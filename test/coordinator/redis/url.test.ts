import { describe, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../coordinator/redis/url.ts';

describe('the address of a Redis', () => {
  test.each([
    ['redis://127.0.0.1', { host: '127.0.0.1', port: 6379 }],
    ['redis://grid.example.org:7000/3', { host: 'grid.example.org', port: 7000, db: 3 }],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }],
    ['redis://:p%40ss@h:1', { host: 'h', port: 1, password: 'p@ss' }],
    [
      'rediss://me:pass@h/0',
      { host: 'h', port: 6379, username: 'me', password: 'pass', db: 0, tls: true },
    ],
    ['unix:///run/my%20redis.sock', { path: '/run/my redis.sock' }],
    [
      'redis-cluster://a:7000,b.example.org,[::1]:7002',
      {
        cluster: [
          { host: 'a', port: 7000 },
          { host: 'b.example.org', port: 6379 },
          { host: '::1', port: 7002 },
        ],
      },
    ],
    [
      'rediss-cluster://me:p%40ss@a:1,b:2/',
      {
        cluster: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        username: 'me',
        password: 'p@ss',
        tls: true,
      },
    ],
    [
      'redis-sentinel://a,b:7000/?name=my-master',
      {
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 7000 },
        ],
        name: 'my-master',
      },
    ],
    [
      'redis-sentinel://:secret@a:1?name=mine',
      { sentinels: [{ host: 'a', port: 1 }], name: 'mine', password: 'secret' },
    ],
  ])('%s is read', (url, connection) => {
    expect(parseRedisUrl(url)).toEqual(connection);
  });

  test.each([
    '',
    '127.0.0.1:6379',
    'http://127.0.0.1:6379',
    'redis://',
    'redis://h:99999',
    'redis://h/two',
    'redis://h/0/1',
    'unix:',
    'redis-cluster://',
    'redis-cluster://a:1,',
    'redis-cluster://a:1?name=mine',
    'redis-sentinel://a:1',
    'rediss-sentinel://a:1?name=mine',
    'redis-cluster://a:1,b:99999',
    'redis-cluster://a:1,b:2/1',
    'redis://a:1,b:2',
  ])('%j is refused', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(
      expect.objectContaining({ code: 'redis_url_invalid' }),
    );
  });

  test('that is refused is not repeated, because it may hold a password', () => {
    expect(() => parseRedisUrl('redis://:secret@h/two')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });
});
