/**
 * link: a new host comes to an account by a code that a person carries from one to the other. The code
 * is short, so it is good for little: one host, ten minutes, three wrong tries. The grid keeps it in the
 * clear, as forty bits are no secret under any hash.
 *
 * Whoever offers proves nothing: what they can give is a certificate of a key they hold, and that is
 * proof enough. See docs/decisions/0012-linking-signs-a-certificate.md.
 */
import { GridError } from '../../protocol/errors.ts';
import { certificateBytes } from '../../protocol/identity.ts';
import { parseLinkCode } from '../../protocol/links.ts';
import type { LinkFacts } from '../store/account-store.ts';
import { isSigned } from '../tokens/signature.ts';
import type { Context } from './context.ts';

/** Long enough to walk to the other machine. */
const lifeMs = 10 * 60_000;
/** So long a code is remembered, to tell one that has expired from one that never was. */
const keepMs = 60 * 60_000;
/** Slips of the fingers. Twenty bits of the code are guessed at three in a million. */
const wrongMax = 3;
/** Far more than people link at once; as many as strangers may have us remember. */
const openMax = 1000;
/** A code that is in use already is rare, and twice in a row a sign of something else. */
const triesMax = 5;

const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export async function offerLink(
  context: Context,
): Promise<{ code: string; offer: string; expiresInMs: number }> {
  const now = context.now();
  for (let tries = 0; tries < triesMax; tries++) {
    const code = [...context.randomBytes(8)].map((byte) => digits[byte & 31]).join('');
    const facts = { code, expiresAt: now + lifeMs };
    const reply = await context.store.accounts.offerLink(facts, now, keepMs, openMax);
    if (reply === 'too_many') throw new GridError('link_limit');
    if (reply === 'offered')
      return { code, offer: context.sealer.seal('link offer', code), expiresInMs: lifeMs };
  }
  throw new GridError('link_limit');
}

/**
 * Throws GridError `link_unknown` (which is also said of a wrong try), `link_expired`, `link_used` and
 * `link_locked`.
 */
export async function redeemLink(
  context: Context,
  typed: string,
  hostKey: string,
  hostName: string,
): Promise<{ ticket: string }> {
  const code = parseLinkCode(typed);
  if (code === null) throw new GridError('link_unknown', 'A code is like K7Q4-M9TX.');
  const { accounts } = context.store;
  const reply = await accounts.redeemLink(code, { hostKey, hostName }, context.now(), wrongMax);
  if (reply === 'expired') throw new GridError('link_expired');
  if (reply === 'used') throw new GridError('link_used');
  if (reply === 'locked') throw new GridError('link_locked');
  if (reply !== 'redeemed') throw new GridError('link_unknown');
  return { ticket: context.sealer.seal('link ticket', [code, hostKey]) };
}

/** Throws GridError `link_expired` when the code is not good any more and no host came. */
export async function readOffer(
  context: Context,
  offer: string | null,
): Promise<{ hostKey: string | null; hostName: string | null }> {
  const link = await linkOf(context, opened(context, 'link offer', offer));
  if (link.hostKey === null && link.expiresAt <= context.now()) throw new GridError('link_expired');
  return { hostKey: link.hostKey, hostName: link.hostName };
}

/** The first host's signature of the new one's key. Throws GridError `signature_invalid`. */
export async function certifyLink(
  context: Context,
  offer: string | null,
  { accountKey, certificate }: { accountKey: string; certificate: string },
): Promise<void> {
  const code = opened(context, 'link offer', offer);
  const { hostKey } = await linkOf(context, code);
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  if (
    hostKey === null ||
    !isSigned(certificateBytes(bytes(hostKey)), bytes(accountKey), bytes(certificate))
  )
    throw new GridError('signature_invalid', 'It is no certificate of the new host.');
  const isThere = await context.store.accounts.certifyLink(code, { accountKey, certificate });
  if (!isThere) throw new GridError('link_expired');
}

/** What the new host waits for. Throws GridError `link_expired`. */
export async function readTicket(
  context: Context,
  ticket: string | null,
): Promise<{ accountKey: string | null; certificate: string | null }> {
  const facts = ticket === null ? null : context.sealer.open('link ticket', ticket);
  if (!Array.isArray(facts)) throw new GridError('unauthorized', 'This ticket is not known here.');
  const link = await linkOf(context, String(facts[0]));
  const isAbandoned = link.certificate === null && link.expiresAt <= context.now();
  if (link.hostKey !== facts[1] || isAbandoned) throw new GridError('link_expired');
  return { accountKey: link.accountKey, certificate: link.certificate };
}

function opened(context: Context, purpose: string, token: string | null): string {
  const code = token === null ? null : context.sealer.open(purpose, token);
  if (typeof code !== 'string')
    throw new GridError('unauthorized', 'This offer is not known here.');
  return code;
}

async function linkOf({ store }: Context, code: string): Promise<LinkFacts> {
  const link = await store.accounts.readLink(code);
  if (link === null) throw new GridError('link_expired');
  return link;
}
