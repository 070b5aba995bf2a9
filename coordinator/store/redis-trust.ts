/** The tables of trust over Redis: a hash each in `{trust}`, each value JSON. */
import { keys } from './keys.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';
import type { TrustChange, TrustStore, TrustTable, TrustTables } from './trust-store.ts';

const writeTrust = new Script('write-trust');

export class RedisTrust extends RedisPart implements TrustStore {
  async version(): Promise<number> {
    return Number((await this.step((redis) => redis.get(keys.trustVersion))) ?? 0);
  }

  async read<T extends TrustTable>(
    table: T,
    fields: Iterable<string>,
  ): Promise<Map<string, TrustTables[T]>> {
    const wanted = [...new Set(fields)];
    if (wanted.length === 0) return new Map();
    const texts = await this.step((redis) => redis.hmget(keys.trust(table), ...wanted));
    return new Map(
      wanted.flatMap((field, i) => {
        const text = texts[i] ?? null;
        return text === null ? [] : [[field, JSON.parse(text) as TrustTables[T]]];
      }),
    );
  }

  async readAll<T extends TrustTable>(table: T): Promise<Map<string, TrustTables[T]>> {
    const hash = await this.step((redis) => redis.hgetall(keys.trust(table)));
    return new Map(
      Object.entries(hash).map(([field, text]) => [field, JSON.parse(text) as TrustTables[T]]),
    );
  }

  fields(table: TrustTable): Promise<string[]> {
    return this.step((redis) => redis.hkeys(keys.trust(table)));
  }

  count(table: TrustTable): Promise<number> {
    return this.step((redis) => redis.hlen(keys.trust(table)));
  }

  async write(version: number, changes: readonly TrustChange[]): Promise<boolean> {
    const tables = [...new Set(changes.map(({ table }) => table))];
    const args = changes.flatMap(({ table, field, value }) => [
      tables.indexOf(table) + 1,
      field,
      value === null ? '' : JSON.stringify(value),
    ]);
    const reply = await this.run(
      writeTrust,
      [keys.trustVersion, ...tables.map((table) => keys.trust(table))],
      [version, changes.length, ...args],
    );
    return reply === 1;
  }
}
