/**
 * enrol: a host says hello. Its key signs the nonce of this session, its account's key has certified
 * the host's key; the ids follow from the keys, so there is nothing to register and no form.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { type AccountId, type HostId, idFromBytes, type TeamId } from '../../protocol/ids.ts';
import type { Hello } from '../../protocol/messages.ts';
import { protocolVersion } from '../../protocol/version.ts';
import { parseTeamName } from '../domain/team-name.ts';
import type { HostFacts } from '../store/account-store.ts';
import { isSigned } from '../tokens/signature.ts';
import type { Context } from './context.ts';

export type Enrolled = {
  hostId: HostId;
  accountId: AccountId;
  totals: AccountTotals;
  /** Set when the grid does not know the host: then it is to be introduced with its first report. */
  newcomer: Newcomer | null;
};
export type Newcomer = { host: HostFacts; teamId: TeamId | null };
/** What the account has earned so far, pending or not. */
export type AccountTotals = { creditMicro: bigint; units: number };

/**
 * Throws GridError `protocol_unknown`, `signature_invalid`, `host_banned`, `team_unknown`, or `forbidden`
 * (another account's host).
 */
export async function enrolHost(
  context: Context,
  hello: Hello,
  nonce: Uint8Array,
): Promise<Enrolled> {
  if (hello.protocol !== protocolVersion) {
    throw new GridError(
      'protocol_unknown',
      `This grid speaks ${protocolVersion}, the worker ${hello.protocol}.`,
    );
  }
  const session = sessionBytes(context.grid.gridId, nonce);
  if (
    !isSigned(session, hello.hostKey, hello.signature) ||
    !isSigned(certificateBytes(hello.hostKey), hello.accountKey, hello.certificate)
  ) {
    throw new GridError('signature_invalid');
  }
  const hostId = idFromBytes('h', sha256(hello.hostKey));
  const accountId = idFromBytes('a', sha256(hello.accountKey));
  const banned = await context.store.registry.findBan([hostId, accountId]);
  if (banned !== null) throw new GridError('host_banned', banned.reason);
  const teamId = hello.team === null ? null : await teamNamed(context, hello.team);
  const { hostKey, accountKey, name, country } = hello;
  const host = { hostId, accountId, hostKey, accountKey, name, country };
  const reply = await context.store.accounts.enrolHost(host, false);
  if (reply === 'other_account') throw othersHost(hostId);
  if (reply === 'known' && teamId !== null)
    await context.store.accounts.moveToTeam(accountId, teamId);
  const [totals = { creditMicro: 0n, units: 0 }] = await totalsOf(context, [accountId]);
  const newcomer = reply === 'new' ? { host, teamId } : null;
  return { hostId, accountId, totals, newcomer };
}

/**
 * Whether a newcomer may be introduced: it comes with a report under a lease of ours, so it has done
 * something. Throws GridError `lease_invalid`.
 */
export function assertHasLease(context: Context, { host }: Newcomer, leaseToken: string): void {
  context.leaseTokens.open(leaseToken, host);
}

/**
 * Writes a newcomer down, and its team, before its first report is recorded, so that what it earns has a
 * name and counts for its team. Throws GridError `forbidden`.
 */
export async function introduceHost(context: Context, { host, teamId }: Newcomer): Promise<void> {
  const reply = await context.store.accounts.enrolHost(host, true);
  if (reply === 'other_account') throw othersHost(host.hostId);
  if (teamId !== null) await context.store.accounts.moveToTeam(host.accountId, teamId);
}

async function teamNamed(context: Context, name: string): Promise<TeamId> {
  const parsed = parseTeamName(name);
  const team = 'flaw' in parsed ? null : await context.store.accounts.findTeam(parsed.key);
  if (team === null) throw new GridError('team_unknown', name);
  return team.teamId;
}

const othersHost = (hostId: HostId): GridError =>
  new GridError('forbidden', `Host ${hostId} belongs to another account.`);

/** Of those that were ever paid. */
export const totalsOf = (
  context: Context,
  accountIds: readonly AccountId[],
): Promise<(AccountTotals & { id: AccountId })[]> =>
  context.store.ledger.standingsOf('volunteer', accountIds);

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
