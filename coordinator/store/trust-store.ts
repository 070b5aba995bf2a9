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
  /** By `g<partition>`: the last outbox record whose results were looked at. */
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
  /** By host that was proven wrong: whose open results are to be checked again. */
  sweeps: Reach;
  /** Decided, and not yet lying over the journals. */
  amendments: Amendment;
};
export type TrustTable = keyof TrustTables;

export const talliesOf = (jobId: JobId) => `tallies ${jobId}` as const;

/** A null value takes the field away. */
export type TrustChange = {
  [T in TrustTable]: { table: T; field: string; value: TrustTables[T] | null };
}[TrustTable];

export interface TrustStore {
  version(): Promise<number>;
  /** Those of the fields that are there. */
  read<T extends TrustTable>(
    table: T,
    fields: Iterable<string>,
  ): Promise<Map<string, TrustTables[T]>>;
  readAll<T extends TrustTable>(table: T): Promise<Map<string, TrustTables[T]>>;
  count(table: TrustTable): Promise<number>;
  fields(table: TrustTable): Promise<string[]>;
  /** False when the version is another one. */
  write(version: number, changes: readonly TrustChange[]): Promise<boolean>;
}
