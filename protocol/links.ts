/**
 * Linking a second host to an account, over HTTP. The account's key stays where it is: the first host
 * signs the new one's key, and the grid only carries what they say to each other.
 *
 *   first host                     coordinator                     new host
 *    │ ── POST /v1/links ──────────► │                                 │
 *    │ ◄───────────── code, offer ── │        (a person types the code)│
 *    │                               │ ◄─── POST /v1/links/ticket ──── │  code, host key
 *    │ ── GET  /v1/links/offer ────► │ ─────────────────── ticket ───► │
 *    │ ◄──────────────── host key ── │                                 │
 *    │ ── PUT  /v1/links/offer ────► │ ◄─── GET  /v1/links/ticket ──── │
 *    │    account key, certificate   │ ─── account key, certificate ─► │
 */
import { z } from 'zod';
import { limits } from './limits.ts';

/** Crockford's digits, so that what is read out is typed right: no I, L, O or U. */
const codePattern = /^[0-9A-HJKMNP-TV-Z]{8}$/;

/** As a person types it: small letters, gaps, an O for a 0. Null when it is no code. */
export function parseLinkCode(text: string): string | null {
  const code = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return codePattern.test(code) ? code : null;
}

/** In two halves, which is how people read eight characters to each other. */
export const showLinkCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

const key = z.string().regex(/^[\w-]{43}$/, 'expected 32 bytes in base64url');
const signature = z.string().regex(/^[\w-]{86}$/, 'expected 64 bytes in base64url');
const token = z.string().min(1).max(limits.tokenCharsMax);

/** POST /v1/links answers 201 with this. */
export const linkOfferedSchema = z.object({
  /** For a person to type at the new host. */
  code: z.string(),
  /** A bearer token: whoever has it is the host that offered. */
  offer: token,
  expiresInMs: z.int(),
});

/** The body of POST /v1/links/ticket, and its answer. */
export const linkRedeemSchema = z.strictObject({
  code: z.string().max(40),
  hostKey: key,
  hostName: z
    .string()
    .max(limits.hostNameCharsMax)
    .regex(/^[^\p{Cc}]*$/u),
});
export const linkTicketSchema = z.object({ ticket: token });

/** GET /v1/links/offer, with the offer as bearer token. */
export const linkOfferSchema = z.object({
  /** The new host's; null until one has shown the code. */
  hostKey: key.nullable(),
  hostName: z.string().nullable(),
});

/** The body of PUT /v1/links/offer; and GET /v1/links/ticket, where both are null until it came. */
export const linkCertificateSchema = z.strictObject({ accountKey: key, certificate: signature });
export const linkSchema = z.object({
  accountKey: key.nullable(),
  certificate: signature.nullable(),
});
