// The address of the operator's own Redis, as it is given to --redis. It may hold a password, so one that cannot be
// read is never repeated.

import type { ClusterConnection, RedisConnection, SentinelConnection } from './connection.ts';
import { RedisError } from './error.ts';

/**
 * redis://[user[:password]@]host[:port][/db], the same with rediss:// for TLS, or unix:///path; and for a cluster
 * redis-cluster://[user[:password]@]host[:port],host[:port]… or rediss-cluster:// with some of its servers; and for a
 * master that sentinels watch redis-sentinel://[user[:password]@]host[:port],host[:port]…?name=NAME. Throws
 * `redis_url_invalid`.
 */
export function parseRedisUrl(
  url: string,
): RedisConnection | ClusterConnection | SentinelConnection {
  const [, scheme, kind, account = '', hosts, name] = severalUrl.exec(url) ?? [];
  if (hosts === undefined) return parseServer(url);
  const servers = hosts.split(',').map((host) => parseServer(`${scheme}://${account}${host}`));
  const places: { host: string; port: number }[] = [];
  for (const [i, server] of servers.entries()) {
    if ('path' in server) throw unreadable();
    const isNamed = /:\d+$/.test(hosts.split(',')[i] ?? '');
    const port = kind === 'sentinel' && !isNamed ? sentinelPort : server.port;
    places.push({ host: server.host, port });
  }
  const {
    host: _host,
    port: _port,
    ...shared
  } = servers[0] as Exclude<RedisConnection, { path: string }>;
  if (kind === 'cluster' && name === undefined) return { cluster: places, ...shared };
  if (kind === 'cluster' || name === undefined || shared.tls === true) throw unreadable();
  return { sentinels: places, name, ...shared };
}

const severalUrl =
  /^(rediss?)-(cluster|sentinel):\/\/([^@/?]*@)?([^@/?]+)\/?(?:\?name=([\w.-]+))?$/;
const sentinelPort = 26_379;

function parseServer(url: string): RedisConnection {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'unix:' && parsed.pathname.startsWith('/')) {
    return { path: decodeURIComponent(parsed.pathname) };
  }
  const isNetwork = parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:';
  const db = parsed?.pathname.replace(/^\//, '') ?? '';
  if (!isNetwork || parsed.hostname === '' || !/^\d{0,5}$/.test(db)) throw unreadable();
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), // an IPv6 address comes in brackets
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
    ...(db === '' ? {} : { db: Number(db) }),
    ...(parsed.protocol === 'rediss:' ? { tls: true } : {}),
  };
}

const unreadable = (): RedisError =>
  new RedisError('redis_url_invalid', {
    what: 'The address of Redis cannot be read',
    why: 'it is none of redis://HOST:PORT/DB, rediss://HOST:PORT/DB, redis-cluster://HOST:PORT,HOST:PORT, redis-sentinel://HOST:PORT,HOST:PORT?name=NAME and unix:///PATH',
    doThis: 'Give --redis an address such as redis://127.0.0.1:6379/0',
  });
