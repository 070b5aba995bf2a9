// Which Redis is new enough. Valkey counts as the Redis it is compatible with: it forked from 7.2, so
// every Valkey passes.

import { RedisError } from './error.ts';

/** 6.2: below it BullMQ warns and our scripts are not tested. Debian 12 ships 7.0, Ubuntu 24.04 too. */
const REDIS_VERSION_MIN = '6.2.0';

/** "Redis server v=7.0.15 sha=…" or "Valkey server v=8.0.1 …"; undefined for anything else. */
export function parseServerVersion(versionLine: string): string | undefined {
  return /^(?:Redis|Valkey) server v=(\d+\.\d+\.\d+)/i.exec(versionLine.trim())?.[1];
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = REDIS_VERSION_MIN.split('.').map(Number);
  return major > majorMin || (major === majorMin && minor >= minorMin);
}

export function tooOld(where: string, version: string, doThis: string): RedisError {
  return new RedisError('redis_too_old', {
    what: `Redis ${version} is too old`,
    why: `${where} is version ${version}; Manyhands needs ${REDIS_VERSION_MIN} or newer`,
    doThis,
  });
}
