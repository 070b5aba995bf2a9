import type { FastifyRequest } from 'fastify';

/** The token of `Authorization: Bearer …`, or null. The scheme's case does not matter (RFC 9110 §11.1). */
export function bearerToken(request: FastifyRequest): string | null {
  return /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
