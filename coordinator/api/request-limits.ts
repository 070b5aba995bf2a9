/**
 * How often one may ask over HTTP: so often from a network, more often with a token that somebody gave them. What is
 * counted are requests, however long they take, so that an upload or a stream of a million results is one.
 *
 *   a token of this grid      ► that token's own count
 *   a host's upload token     ► the count of uploads of its network: keys cost nothing, networks do
 *   nothing of that           ► the count of its network
 *
 * Networks are those of admission.ts; private addresses have none, and are not counted. What is kept is bounded:
 * domain/tries.ts forgets whoever came first.
 */
import type { FastifyInstance } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import type { TokenId } from '../../protocol/ids.ts';
import { Tries } from '../domain/tries.ts';
import { networkOf } from '../domain/trust/network.ts';
import { tokenHash, uploaderOf, validToken } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { bearerToken } from './bearer-token.ts';
import { peerAddress } from './peer.ts';

/** A count may come at once, and comes back a second at a time. */
type Rate = { atOnce: number; perSecond: number };

/**
 * At once: a full network (1,024 sessions, admission.ts) that fetches a kernel and an input. A second: five hundred
 * pages that load themselves anew every ten. At a millisecond each that is a twentieth of the process.
 */
export const strangerRate: Rate = { atOnce: 2048, perSecond: 50 };
/** Four times as much: a program that watches two hundred jobs, or a school whose hosts each upload every five seconds. */
export const bearerRate: Rate = { atOnce: 8192, perSecond: 200 };
/** Tokens that are not known yet cost a look into Redis: what a laboratory has, and few guesses. */
const lookUpRate: Rate = { atOnce: 100, perSecond: 10 };

/** A token that was revoked is refused at once by what it asks for; only its count may live on for so long. */
const knownMs = 60_000;
/** More than are in use in a minute; each is a hundred bytes. */
const knownMax = 1000;

export function limitRequests(server: FastifyInstance, context: Context): void {
  const limits = new RequestLimits(context);
  server.addHook('onRequest', async (request) => {
    const network = networkOf(peerAddress(request.raw));
    if (network === null) return;
    const retryAfterMs = await limits.take(network, bearerToken(request));
    if (retryAfterMs !== null) throw new GridError('requests_limit', '', { retryAfterMs });
  });
}

class RequestLimits {
  private readonly context: Context;
  private readonly strangers = triesAt(strangerRate);
  private readonly bearers = triesAt(bearerRate);
  private readonly lookUps = triesAt(lookUpRate);
  private readonly known = new Map<string, { tokenId: TokenId; until: number }>();

  constructor(context: Context) {
    this.context = context;
  }

  /** Null when it may be; else how long to wait, in ms. */
  async take(network: string, token: string | null): Promise<number | null> {
    const bearer = token === null ? null : await this.bearerOf(network, token);
    const now = this.context.now();
    return bearer === null ? this.strangers.take(network, now) : this.bearers.take(bearer, now);
  }

  /** Whose count it is; null of a token that is none, or of one too many that has to be looked up. */
  private async bearerOf(network: string, token: string): Promise<string | null> {
    const { context, known } = this;
    if (uploaderOf(context, token) !== null) return network;
    const hash = tokenHash(token);
    const found = known.get(hash);
    if (found !== undefined && found.until > context.now()) return found.tokenId;
    if (this.lookUps.take(network, context.now()) !== null) return null;
    const tokenId = await validToken(context, token);
    if (tokenId === null) return null;
    known.delete(hash);
    known.set(hash, { tokenId, until: context.now() + knownMs });
    const [oldest] = known.keys();
    if (known.size > knownMax && oldest !== undefined) known.delete(oldest);
    return tokenId;
  }
}

const triesAt = ({ atOnce, perSecond }: Rate): Tries =>
  new Tries(atOnce, (1000 * atOnce) / perSecond);
