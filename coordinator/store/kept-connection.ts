/**
 * What a step wrote is on a replica before the step has its reply. Replication is asynchronous: a master that dies
 * right after its reply takes with it what its replica has not got yet. So each step that writes is sent with
 *
 *     <command>   WAIT 1 <a second>   ROLE
 *
 * on one connection, in one go: WAIT is about what was written before it there. A read that others act upon is sent
 * so too, because what it sees may have been written a moment ago.
 *
 *     WAIT says 1 or more             it is on a replica: that is the reply
 *     it says 0, ROLE names none      there is none to wait for. The step is done; from now on nobody waits for that
 *                                     slot, and ROLE tells when one is there again
 *     it says 0, ROLE names some      the outcome is unknown, and callers try again: nobody is answered
 *
 * An operator who would rather refuse work than go on without a replica sets min-replicas-to-write in Redis.
 * Dropped: WAITAOF, which Redis has from 7.2 on only; a replica that runs is as good against the death of one machine.
 */
import type { ChainableCommander } from 'ioredis';
import type { Connection } from './connection.ts';
import { isElsewhere, type RedisClient } from './redis-connection.ts';
import type { SendScript } from './script.ts';
import { OutcomeUnknown } from './store.ts';

/** A replica says within a millisecond or two that it has something. One that takes a second is stuck. */
const confirmMsMax = 1000;

export class KeptConnection implements Connection {
  readonly client: RedisClient;
  private readonly tell: (line: string) => void;
  /** Hash tags of slots whose master had no replica when it was last asked. */
  private readonly alone = new Set<string>();

  /** `tell` hears when a slot is without a replica, and when it has one again. */
  constructor(client: RedisClient, tell: (line: string) => void) {
    this.client = client;
    this.tell = tell;
  }

  async kept<T>(key: string, command: (to: RedisClient) => Promise<T>): Promise<T> {
    const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
    const reply = await this.confirmed(key, tag, command);
    if (reply.isKept) return reply.value;
    // One has come. What was just written may not be in what it was given.
    this.alone.delete(tag);
    this.tell(`the Redis of {${tag}} has a replica again`);
    await this.confirmed(key, tag, (to) => to.exists(key));
    return reply.value;
  }

  readonly send: SendScript = (command, key, parts) =>
    this.kept(key, (to) => to.call(command, parts));

  private async confirmed<T>(
    key: string,
    tag: string,
    command: (to: RedisClient) => Promise<T>,
  ): Promise<{ value: T; isKept: boolean }> {
    const isAlone = this.alone.has(tag);
    const [value, confirmed, role] = await this.inOneGo(key, (pipeline) => {
      // It has the same commands, and hands their replies over at the end.
      void command(pipeline as unknown as RedisClient);
      if (!isAlone) pipeline.wait(1, confirmMsMax);
      else pipeline.ping();
      pipeline.role();
    });
    const replicas = (role as [string, number, unknown[]])[2].length;
    if (isAlone) return { value: value as T, isKept: replicas === 0 };
    if (confirmed === 0 && replicas > 0)
      throw new OutcomeUnknown(`no replica of {${tag}} has confirmed within ${confirmMsMax} ms`);
    if (confirmed === 0) {
      this.alone.add(tag);
      this.tell(
        `the Redis of {${tag}} has no replica: should it die, what it acknowledges is lost`,
      );
    }
    return { value: value as T, isKept: true };
  }

  /** The replies, all of one server. Learns from the first command where the slot is, and asks there. */
  private async inOneGo(
    key: string,
    fill: (pipeline: ChainableCommander) => void,
  ): Promise<unknown[]> {
    for (let isMoved = false; ; isMoved = true) {
      const pipeline = this.client.pipeline();
      fill(pipeline);
      const replies = (await pipeline.exec()) ?? [];
      const [first] = replies;
      if (first?.[0] != null && isElsewhere(first[0]) && !isMoved) {
        await this.client.exists(key);
        continue;
      }
      for (const [error] of replies) if (error !== null) throw error;
      return replies.map(([, reply]) => reply);
    }
  }
}
