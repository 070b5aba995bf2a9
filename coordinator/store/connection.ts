/**
 * How the store talks to its Redis: commands that only look go to the client as they are; what must not get lost
 * is sent by `kept` and `send`. On one server these are the same, because its reply comes after its fsync. On
 * servers that may fail over they wait for a replica (kept-connection.ts).
 */
import type { RedisClient } from './redis-connection.ts';
import type { SendScript } from './script.ts';

export type Connection = {
  readonly client: RedisClient;
  /** One command on this key. */
  kept<T>(key: string, command: (to: RedisClient) => Promise<T>): Promise<T>;
  readonly send: SendScript;
};

export const plainConnection = (client: RedisClient): Connection => ({
  client,
  kept: (_, command) => command(client),
  send: (command, _, parts) => client.call(command, parts),
});
