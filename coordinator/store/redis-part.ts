/** What the parts of the store over Redis share: one connection, and the ways to use it. */
import type { Connection } from './connection.ts';
import { type RedisClient, step } from './redis-connection.ts';
import type { Script, ScriptArg } from './script.ts';

export abstract class RedisPart {
  protected readonly redis: Connection;

  constructor(redis: Connection) {
    this.redis = redis;
  }

  /** Reads; what it finds may be lost in a failover. */
  protected step<T>(run: (redis: RedisClient) => Promise<T>): Promise<T> {
    return step(() => run(this.redis.client));
  }

  /** One command on a key: what it wrote, or has seen, no failover loses. */
  protected kept<T>(key: string, command: (to: RedisClient) => Promise<T>): Promise<T> {
    return step(() => this.redis.kept(key, command));
  }

  /** The same with a script. */
  protected run(
    script: Script,
    named: readonly string[],
    args: readonly ScriptArg[],
  ): Promise<unknown> {
    return step(() => script.run(this.redis.send, named, args));
  }
}
