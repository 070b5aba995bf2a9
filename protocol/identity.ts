/**
 * What keys sign. A volunteer has two Ed25519 keys: the account's, which is who they are, and the
 * host's, which never leaves its machine. The account certifies the host once; the host signs every
 * session's nonce. Domain prefixes keep a signature made for one purpose from serving another.
 */
import { concatBytes } from './bytes.ts';

const utf8 = new TextEncoder();

/** Signed by the account key, once per host: "this host computes for me". */
export const certificateBytes = (hostKey: Uint8Array): Uint8Array =>
  concatBytes([utf8.encode('manyhands.certificate.1\0'), hostKey]);

/** Signed by the host key at every hello. The grid's id keeps one grid from replaying to another. */
export const sessionBytes = (gridId: string, nonce: Uint8Array): Uint8Array =>
  concatBytes([utf8.encode(`manyhands.session.1\0${gridId}\0`), nonce]);

/** Signed by the account key: a request of the account's owner, made at a time. */
export const requestBytes = (
  gridId: string,
  method: string,
  path: string,
  at: number,
): Uint8Array => utf8.encode(`manyhands.request.1\0${gridId}\0${method}\0${path}\0${at}`);
