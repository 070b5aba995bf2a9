/**
 * What the grid keeps for trust, as tables of small records. Whoever changes them read them first, and
 * writes upon the version it read: if anybody wrote in between, nothing happens, and the step is taken
 * again upon what stands now. So a crash, a repeat and two coordinators at once are one case.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { Tally } from '../domain/trust/closing.ts';
import type { Reach } from '../domain/trust/conviction.ts';
import type { Amendment, HostRecord, Order, UnitCase, Work } from '../domain/trust/docket.ts';
import type { Reliability } from '../domain/trust/reliability.ts';

export type TrustTables = {
  /** By account, of a job that is not complete; deleted when it is. */
  [tallies: `tallies ${JobId}`]: Tally;
  /** By job that is being completed: of how many accounts nothing was checked. Its tallies are to go. */
  endings: number;
  /** By account: how many results it had when the day had ended; deleted when all of the day is final. */
  [marks: `marks ${number}`]: number;
  /**
   * By `g<partition>`: the last outbox record whose results were looked at. `marks`: the first day whose marks may
   * be there.
   */
  watermarks: number;
  hosts: HostRecord;
  accounts: Reliability;
  /** By job and unit: see caseName. */
  cases: UnitCase;
  /** By the id of the check shard. */
  orders: Order;
  /** By job: the number of its next check shard. */
  numbers: number;
  /** By host: where its results are. */
  work: Work;
  /** By host that was proven wrong, or left unknown: which open results are to be checked again. */
  sweeps: Reach;
  /** Decided, and not yet lying over the journals. */
  amendments: Amendment;
};
export type TrustTable = keyof TrustTables;

export const talliesOf = (jobId: JobId) => `tallies ${jobId}` as const;
export const marksOf = (day: number) => `marks ${day}` as const;

/** A null value takes the field away. */
export type TrustChange = {
  [T in TrustTable]: { table: T; field: string; value: TrustTables[T] | null };
}[TrustTable];

/** Where the next one begins is null after the last. */
export type Page<Value> = { rows: Map<string, Value>; next: string | null };

export interface TrustStore {
  version(): Promise<number>;
  /** Those of the fields that are there. */
  read<T extends TrustTable>(
    table: T,
    fields: Iterable<string>,
  ): Promise<Map<string, TrustTables[T]>>;
  readAll<T extends TrustTable>(table: T): Promise<Map<string, TrustTables[T]>>;
  /** Some of a table, from where the last page ended ('' at first): each field that stays is in one of its pages. */
  page<T extends TrustTable>(table: T, from: string): Promise<Page<TrustTables[T]>>;
  count(table: TrustTable): Promise<number>;
  fields(table: TrustTable): Promise<string[]>;
  /** False when the version is another one. */
  write(version: number, changes: readonly TrustChange[]): Promise<boolean>;
}
