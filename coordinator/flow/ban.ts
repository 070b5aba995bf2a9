/**
 * ban: a host, or an account with all its hosts, works here no more. Its sessions end with
 * `host_banned`, what it has leased is given to others, and its next hello is refused. What it earned
 * stays: taking it back is the business of trust, and needs proof.
 */
import { GridError } from '../../protocol/errors.ts';
import type { BanView } from '../../protocol/hosts.ts';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { auditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

export async function ban(
  context: Context,
  by: TokenFacts,
  id: HostId | AccountId,
  reason: string,
): Promise<BanView> {
  const { registry } = context.store;
  const since = context.now();
  await registry.logAct(auditLine(by, since, { act: 'host_ban', target: id, reason }));
  await registry.ban(id, { reason, since });
  context.happened({ kind: 'banned', id, reason });
  return banView(id, { reason, since });
}

/** Throws GridError `ban_unknown`. */
export async function unban(
  context: Context,
  by: TokenFacts,
  id: HostId | AccountId,
  reason: string,
): Promise<BanView> {
  const { registry } = context.store;
  const known = (await registry.bans()).get(id);
  if (known === undefined) throw new GridError('ban_unknown', id);
  await registry.logAct(auditLine(by, context.now(), { act: 'host_unban', target: id, reason }));
  await registry.unban(id);
  return banView(id, known);
}

export async function listBans(context: Context): Promise<BanView[]> {
  return [...(await context.store.registry.bans())].map(([id, known]) => banView(id, known));
}

const banView = (id: string, { reason, since }: { reason: string; since: number }): BanView => ({
  id,
  reason,
  since: new Date(since).toISOString(),
});
