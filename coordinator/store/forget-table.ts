/** Takes a table of trust away, some rows in one step: it may have one for each account. */
import type { TrustChange, TrustStore, TrustTable } from './trust-store.ts';

const rowsPerStep = 1000;

export async function forgetTable(trust: TrustStore, table: TrustTable): Promise<void> {
  const fields = await trust.fields(table);
  for (let from = 0; from < fields.length; from += rowsPerStep) {
    const gone = fields.slice(from, from + rowsPerStep);
    const changes = gone.map((field) => ({ table, field, value: null }) as TrustChange);
    while (!(await trust.write(await trust.version(), changes)));
  }
}
