/** The tables of trust over Redis: a hash each in `{trust}`, each value JSON. */
import { keys } from './keys.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';
import type { Page, TrustChange, TrustStore, TrustTable, TrustTables } from './trust-store.ts';

const writeTrust = new Script('write-trust');
/** Half a megabyte of the largest of them. */
const rowsPerPage = 500;

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
    // One list: a step may ask for more than a function can be called with.
    const texts = (await this.step((redis) =>
      redis.call('hmget', [keys.trust(table), ...wanted]),
    )) as (string | null)[];
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

  async page<T extends TrustTable>(table: T, from: string): Promise<Page<TrustTables[T]>> {
    const [next, flat] = await this.step((redis) =>
      redis.hscan(keys.trust(table), from === '' ? '0' : from, 'COUNT', rowsPerPage),
    );
    const rows = new Map<string, TrustTables[T]>();
    for (let i = 0; i + 1 < flat.length; i += 2) {
      rows.set(flat[i] ?? '', JSON.parse(flat[i + 1] ?? '') as TrustTables[T]);
    }
    return { rows, next: next === '0' ? null : next };
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
