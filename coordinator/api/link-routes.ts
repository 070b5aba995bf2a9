/**
 * Linking a host to an account (protocol/links.ts). The tokens are those of the link itself. Nobody has to
 * be known to ask for a code or to try one, so both are limited by network.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import { linkCertificateSchema, linkRedeemSchema, showLinkCode } from '../../protocol/links.ts';
import { Tries } from '../domain/tries.ts';
import { networkOf } from '../domain/trust/network.ts';
import type { Context } from '../flow/context.ts';
import { certifyLink, offerLink, readOffer, readTicket, redeemLink } from '../flow/link.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOf } from './body.ts';
import { peerAddress } from './peer.ts';

/** A class that links its laptops. The second half of a code is guessed at one in a million a try. */
const triesMax = 30;
const triesPerMs = 10 * 60_000;

export function linkRoutes(server: FastifyInstance, context: Context): void {
  const [offers, redeems] = [new Tries(triesMax, triesPerMs), new Tries(triesMax, triesPerMs)];
  const assertFew = (tries: Tries, { raw }: FastifyRequest) => {
    const address = peerAddress(raw);
    const retryAfterMs = tries.take(networkOf(address) ?? address, context.now());
    if (retryAfterMs !== null) throw new GridError('link_tries', '', { retryAfterMs });
  };
  server.post('/v1/links', async (request, reply) => {
    assertFew(offers, request);
    const { code, ...rest } = await offerLink(context);
    return reply.status(201).send({ code: showLinkCode(code), ...rest });
  });
  server.get('/v1/links/offer', async (request) => readOffer(context, bearerToken(request)));
  server.put('/v1/links/offer', async (request, reply) => {
    await certifyLink(context, bearerToken(request), bodyOf(linkCertificateSchema, request));
    return reply.status(204).send();
  });
  server.post('/v1/links/ticket', async (request) => {
    assertFew(redeems, request);
    const { code, hostKey, hostName } = bodyOf(linkRedeemSchema, request);
    return redeemLink(context, code, hostKey, hostName);
  });
  server.get('/v1/links/ticket', async (request) => readTicket(context, bearerToken(request)));
}
