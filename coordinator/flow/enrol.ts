/**
 * enrol: a host says hello. Its key signs the nonce of this session, its account's key has certified
 * the host's key; the ids follow from the keys, so there is nothing to register and no form.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { type AccountId, type HostId, idFromBytes } from '../../protocol/ids.ts';
import type { Hello } from '../../protocol/messages.ts';
import { protocolVersion } from '../../protocol/version.ts';
import { isSigned } from '../tokens/signature.ts';
import type { Context } from './context.ts';

export type Enrolled = { hostId: HostId; accountId: AccountId; totals: AccountTotals };
/** What the account has earned so far, pending or not. */
export type AccountTotals = { creditMicro: bigint; units: number };

/** Throws GridError `protocol_unknown`, `signature_invalid`, `host_banned`, or `forbidden` (another account's host). */
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
  const { hostKey, accountKey, name } = hello;
  const reply = await context.store.enrolHost({ hostId, accountId, hostKey, accountKey, name });
  if (reply === 'other_account') {
    throw new GridError('forbidden', `Host ${hostId} belongs to another account.`);
  }
  return { hostId, accountId, totals: await totalsOf(context, accountId) };
}

export async function totalsOf(context: Context, accountId: AccountId): Promise<AccountTotals> {
  const row = await context.store.ledger.standing('volunteer', accountId);
  return { creditMicro: row?.creditMicro ?? 0n, units: row?.units ?? 0 };
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
