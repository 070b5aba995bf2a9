/** The tables of trust in memory: see memory-store.ts. */
import type { Page, TrustChange, TrustStore, TrustTable, TrustTables } from './trust-store.ts';

const rowsPerPage = 50;

export class MemoryTrust implements TrustStore {
  private readonly tables = new Map<TrustTable, Map<string, unknown>>();
  private written = 0;

  async version(): Promise<number> {
    return this.written;
  }

  async read<T extends TrustTable>(
    name: T,
    fields: Iterable<string>,
  ): Promise<Map<string, TrustTables[T]>> {
    const table = this.table(name);
    const found = [...new Set(fields)].filter((field) => table.has(field));
    return new Map(
      found.map((field) => [field, structuredClone(table.get(field) as TrustTables[T])]),
    );
  }

  async readAll<T extends TrustTable>(name: T): Promise<Map<string, TrustTables[T]>> {
    return structuredClone(this.table(name)) as Map<string, TrustTables[T]>;
  }

  /** After the first some, all that is left: so a page is no whole table here either. */
  async page<T extends TrustTable>(name: T, from: string): Promise<Page<TrustTables[T]>> {
    const rows = [...(await this.readAll(name))].sort(([a], [b]) => (a < b ? -1 : 1));
    const first = rows.slice(0, rowsPerPage);
    if (from !== '') return { rows: new Map(rows.filter(([field]) => field > from)), next: null };
    return {
      rows: new Map(first),
      next: rows.length > rowsPerPage ? (first.at(-1)?.[0] ?? null) : null,
    };
  }

  async fields(name: TrustTable): Promise<string[]> {
    return [...this.table(name).keys()];
  }

  async count(name: TrustTable): Promise<number> {
    return this.table(name).size;
  }

  async write(version: number, changes: readonly TrustChange[]): Promise<boolean> {
    if (version !== this.written) return false;
    this.written++;
    for (const { table, field, value } of changes) {
      if (value === null) this.table(table).delete(field);
      else this.table(table).set(field, structuredClone(value));
    }
    return true;
  }

  private table(name: TrustTable): Map<string, unknown> {
    const table = this.tables.get(name) ?? new Map<string, unknown>();
    this.tables.set(name, table);
    return table;
  }
}
