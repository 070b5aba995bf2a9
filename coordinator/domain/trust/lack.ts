/**
 * What a level asks for and nobody here has. A3 alone can lack something, for it promises networks and an anchor;
 * all others make do with whoever is here. It is told at submission and by `why`, and never refused: an anchor may
 * join an hour later, as any host may.
 */
import type { AccountId } from '../../../protocol/ids.ts';
import type { JobDocument } from '../../../protocol/job.ts';
import { assurances } from './assurance.ts';
import { networkAtA3 } from './network.ts';
import type { Repute } from './repute.ts';

export type Lack = 'no_anchor' | 'few_networks';

export function lackOf(
  trust: JobDocument['trust'],
  here: Iterable<{ accountId: AccountId; network: string; repute: Repute }>,
): Lack | null {
  const { accountsToAccept, needsAnchor, needsNetworks } = assurances[trust];
  if (!needsAnchor && !needsNetworks) return null;
  const accounts = new Set<AccountId>();
  const networks = new Set<string>();
  let hasAnchor = false;
  for (const { accountId, network, repute } of here) {
    if (repute === 'flaky' || repute === 'quarantined') continue;
    hasAnchor ||= repute === 'anchor';
    accounts.add(accountId);
    networks.add(networkAtA3(network));
  }
  if (needsAnchor && !hasAnchor) return 'no_anchor';
  return Math.min(accounts.size, networks.size) < accountsToAccept ? 'few_networks' : null;
}
