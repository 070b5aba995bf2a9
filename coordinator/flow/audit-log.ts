/** The audit log as operators read it, newest first, a page at a time. */
import type { AuditLog } from '../../protocol/audit.ts';
import type { Context } from './context.ts';

export async function readAuditLog(
  context: Context,
  before: string | null,
  max: number,
): Promise<AuditLog> {
  const found = await context.store.registry.readActs(before, max);
  const entries = found.map((line) => ({ ...line, at: new Date(line.at).toISOString() }));
  return { entries, more: entries.length < max ? null : (entries.at(-1)?.entryId ?? null) };
}
