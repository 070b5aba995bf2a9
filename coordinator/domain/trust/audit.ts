/**
 * Which results are audited. The draw is made when a result is recorded: then its host can no longer
 * change it, and nobody it colludes with knows yet that the unit will be given out again. It is a
 * keyed hash of the replica's name (tokens/audit-draw.ts), so that no host can foresee it, and a
 * coordinator that decides again after a crash draws the same.
 */
import type { Assurance } from './assurance.ts';
import { auditOfAuditShare, boostedAuditShare, probationAudits } from './policy.ts';
import { type Identity, reputeOf } from './repute.ts';

/** The share of this host's results that is audited, the next one included. */
export function auditShare(identity: Identity, assurance: Assurance, now: number): number {
  const repute = reputeOf(identity, now);
  if (repute === 'anchor') return assurance.auditShare;
  if (repute === 'flaky' || repute === 'quarantined') return 1;
  return Math.max(
    assurance.auditShare,
    isOnProbation(identity) ? 1 : 0,
    identity.host.boosted > 0 ? boostedAuditShare : 0,
  );
}

/** How many accounts must agree about the unit of this host's result, the host's own included. */
export function accountsWanted(
  identity: Identity,
  assurance: Assurance,
  draw: number,
  now: number,
): number {
  const isAudited = draw < auditShare(identity, assurance, now);
  return Math.max(assurance.accountsToAccept, isAudited ? 2 : 1);
}

/** Whether an audit that agreed is audited itself. */
export const isAuditAudited = (draw: number): boolean => draw < auditOfAuditShare;

/** Whether what is due of its next result depends on how many it has made. */
export const isWatched = (identity: Identity): boolean =>
  identity.host.boosted > 0 || isOnProbation(identity);

/** Until so many comparisons have begun; how they end decides its repute. */
const isOnProbation = ({ host, account }: Identity): boolean =>
  Math.min(host.checks, account.checks) < probationAudits;
