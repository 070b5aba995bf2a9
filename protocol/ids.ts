import { z } from 'zod';

/**
 * Ids are a letter and sixteen characters of Crockford's base 32 (no i, l, o, u), 80 bits:
 * `j…` job, `h…` host, `a…` account, `l…` lease, `k…` token, `t…` team. A letter first keeps them from reading as
 * numbers, which BullMQ refuses; lower case keeps them safe in paths and keys.
 */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const idPattern = (letter: string) => new RegExp(`^${letter}[${alphabet}]{16}$`);

export const jobIdSchema = z
  .string()
  .regex(idPattern('j'), 'expected a job id like j0123456789abcdef');
export const hostIdSchema = z.string().regex(idPattern('h'), 'expected a host id');
export const accountIdSchema = z.string().regex(idPattern('a'), 'expected an account id');
export const leaseIdSchema = z.string().regex(idPattern('l'), 'expected a lease id');
export const teamIdSchema = z.string().regex(idPattern('t'), 'expected a team id');

export type JobId = string;
export type HostId = string;
export type AccountId = string;
export type LeaseId = string;
export type TokenId = string;
export type TeamId = string;

export type IdLetter = 'j' | 'h' | 'a' | 'l' | 'k' | 't';

/** Ten bytes (of a random source or of a key's digest) as an id with the given letter. */
export function idFromBytes(letter: IdLetter, bytes: Uint8Array): string {
  if (bytes.length < 10) throw new Error(`an id needs ten bytes, got ${bytes.length}`);
  const codes = new Array<number>(17);
  codes[0] = letter.charCodeAt(0);
  for (let digit = 0; digit < 16; digit++) {
    const at = (digit * 5) >> 3;
    const two = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    codes[digit + 1] = alphabet.charCodeAt((two >> (11 - ((digit * 5) & 7))) & 31);
  }
  // In one go: put together character by character it would be a chain of seventeen strings.
  return String.fromCharCode(...codes);
}

/** `sha256:` and 64 lower-case hex digits: the name of immutable bytes. */
export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected "sha256:" and 64 lower-case hex digits');
export type Digest = string;
