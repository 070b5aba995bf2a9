/**
 * vouch: an operator says that a host is to be believed, as an anchor, or no longer. An anchor's word
 * settles what strangers dispute, so it should be a machine that the operator runs.
 */
import { GridError } from '../../protocol/errors.ts';
import type { VouchView } from '../../protocol/hosts.ts';
import type { HostId } from '../../protocol/ids.ts';
import { auditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

/** Throws GridError `host_unknown`. */
export async function vouch(
  { store, knownHosts, now }: Pick<Context, 'store' | 'knownHosts' | 'now'>,
  by: TokenFacts,
  hostId: HostId,
  isAnchor: boolean,
  reason: string,
): Promise<VouchView> {
  const { registry, trust } = store;
  const act = isAnchor ? 'host_vouch' : 'host_unvouch';
  let isLogged = false;
  for (;;) {
    const version = await trust.version();
    const known = (await trust.read('hosts', [hostId])).get(hostId) ?? knownHosts.find(hostId);
    if (known === null) throw new GridError('host_unknown', hostId);
    if (!isLogged) await registry.logAct(auditLine(by, now(), { act, target: hostId, reason }));
    isLogged = true;
    const value = { ...known, isAnchor };
    if (!(await trust.write(version, [{ table: 'hosts', field: hostId, value }]))) continue;
    knownHosts.tell(new Map([[hostId, value]]), new Map());
    return { hostId, isAnchor };
  }
}
