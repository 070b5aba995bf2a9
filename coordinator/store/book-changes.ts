/** What a step changed in the records of hosts and accounts, as changes of the tables of trust. */
import type { RecordBook } from '../domain/trust/docket.ts';
import { marksOf, type TrustChange } from './trust-store.ts';

export const bookChanges = ({
  changedHosts,
  changedAccounts,
  dayEnds,
}: RecordBook): TrustChange[] => [
  ...[...changedHosts].map(([field, value]): TrustChange => ({ table: 'hosts', field, value })),
  ...[...changedAccounts].map(([field, value]): TrustChange => {
    return { table: 'accounts', field, value };
  }),
  ...dayEnds.map(({ day, accountId, results }): TrustChange => {
    return { table: marksOf(day), field: accountId, value: results };
  }),
];
