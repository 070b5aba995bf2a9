// The operator's own Redis: reads its address and checks that a grid can live on it. What cannot work
// is refused at the start; what will hurt later (no journal, eviction) is said once, because the
// operator may have a reason.

import { ask, type RedisConnection, serverInfo } from './connection.ts';
import { RedisError, reasonOf } from './error.ts';
import { isNewEnough, tooOld } from './version.ts';

/** redis://[user[:password]@]host[:port][/db], the same with rediss:// for TLS, or unix:///path. */
export function parseRedisUrl(url: string): RedisConnection {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'unix:' && parsed.pathname.startsWith('/')) {
    return { path: decodeURIComponent(parsed.pathname) };
  }
  const isNetwork = parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:';
  const db = parsed?.pathname.replace(/^\//, '') ?? '';
  if (!isNetwork || parsed.hostname === '' || !/^\d{0,5}$/.test(db)) {
    // The address is not repeated: it may hold a password.
    throw new RedisError('redis_url_invalid', {
      what: 'The address of Redis cannot be read',
      why: 'it is none of redis://HOST:PORT/DB, rediss://HOST:PORT/DB and unix:///PATH',
      doThis: 'Give --redis an address such as redis://127.0.0.1:6379/0',
    });
  }
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), // an IPv6 address comes in brackets
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
    ...(db === '' ? {} : { db: Number(db) }),
    ...(parsed.protocol === 'rediss:' ? { tls: true } : {}),
  };
}

/** Returns its version. Throws `redis_unreachable` or `redis_too_old`. */
export async function checkOperatorsRedis(
  connection: RedisConnection,
  log: (line: string) => void,
): Promise<string> {
  const where = 'path' in connection ? connection.path : `${connection.host}:${connection.port}`;
  const info = await ask(connection, serverInfo).catch((cause: unknown) => {
    throw new RedisError(
      'redis_unreachable',
      {
        what: `The Redis at ${where} cannot be reached`,
        why: reasonOf(cause),
        doThis: 'Start it, or mend the address, user and password in --redis',
      },
      { cause },
    );
  });
  if (!isNewEnough(info.version)) {
    throw tooOld(`the server at ${where}`, info.version, 'Upgrade it, or leave --redis out');
  }
  if (!info.hasJournal) {
    log(
      `The Redis at ${where} keeps no journal (appendonly no): a crash loses acknowledged results`,
    );
  }
  if (info.evictionPolicy !== 'noeviction') {
    log(
      `The Redis at ${where} evicts keys (${info.evictionPolicy}): set maxmemory-policy noeviction`,
    );
  }
  return info.version;
}
