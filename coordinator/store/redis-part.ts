/** What the parts of the store over Redis share: one connection, and the two ways to use it. */
import type { Redis } from 'ioredis';
import { step } from './redis-connection.ts';
import type { Script, ScriptArg } from './script.ts';

export abstract class RedisPart {
  protected readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  protected step<T>(run: (redis: Redis) => Promise<T>): Promise<T> {
    return step(this.redis, run);
  }

  protected run(
    script: Script,
    named: readonly string[],
    args: readonly ScriptArg[],
  ): Promise<unknown> {
    return step(this.redis, (redis) => script.run(redis, named, args));
  }
}
