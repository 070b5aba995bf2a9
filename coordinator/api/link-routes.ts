/** Linking a host to an account (protocol/links.ts). The tokens are those of the link itself. */
import type { FastifyInstance } from 'fastify';
import { linkCertificateSchema, linkRedeemSchema, showLinkCode } from '../../protocol/links.ts';
import type { Context } from '../flow/context.ts';
import { certifyLink, offerLink, readOffer, readTicket, redeemLink } from '../flow/link.ts';
import { bearerToken } from './bearer-token.ts';
import { bodyOf } from './body.ts';

export function linkRoutes(server: FastifyInstance, context: Context): void {
  server.post('/v1/links', async (_request, reply) => {
    const { code, ...rest } = await offerLink(context);
    return reply.status(201).send({ code: showLinkCode(code), ...rest });
  });
  server.get('/v1/links/offer', async (request) => readOffer(context, bearerToken(request)));
  server.put('/v1/links/offer', async (request, reply) => {
    await certifyLink(context, bearerToken(request), bodyOf(linkCertificateSchema, request));
    return reply.status(204).send();
  });
  server.post('/v1/links/ticket', async (request) => {
    const { code, hostKey, hostName } = bodyOf(linkRedeemSchema, request);
    return redeemLink(context, code, hostKey, hostName);
  });
  server.get('/v1/links/ticket', async (request) => readTicket(context, bearerToken(request)));
}
