/**
 * Seals facts into a token that any coordinator of the grid can open: MessagePack, then an HMAC
 * under a secret that lives in Redis, with the secret's id in front so that it can be changed.
 * `purpose` is part of what is signed: a lease token opens as a lease and as nothing else.
 *
 *   <keyId>.<base64url of the facts>.<base64url of 16 bytes of HMAC-SHA256>
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { pack, unpack } from 'msgpackr';
import type { LeaseKey } from '../domain/lease.ts';

/** 128 bits: nobody guesses one, and half the bytes of a whole SHA-256 in every message. */
const macBytes = 16;
/** Tokens remembered: the leases that a busy coordinator has out, about 500 bytes each. */
const ownMax = 16_384;

export class Sealer {
  private readonly newest: LeaseKey;
  private readonly keys: Map<string, LeaseKey>;
  /** What this process sealed lately: to open it again takes no proof and no decoding. */
  private readonly own = new Map<string, { purpose: string; facts: unknown }>();

  constructor(keys: readonly [LeaseKey, ...LeaseKey[]]) {
    this.newest = keys[0];
    this.keys = new Map(keys.map((key) => [key.keyId, key]));
  }

  seal(purpose: string, facts: unknown): string {
    const body = pack(facts).toString('base64url');
    const tag = mac(this.newest, purpose, body).toString('base64url');
    const token = `${this.newest.keyId}.${body}.${tag}`;
    this.own.set(token, { purpose, facts });
    if (this.own.size > ownMax) this.forgetOldest();
    return token;
  }

  /** The facts, or null when this grid did not seal the token for this purpose. */
  open(purpose: string, token: string): unknown {
    const own = this.own.get(token);
    if (own !== undefined && own.purpose === purpose) {
      // Most leases are reported whole: what is forgotten at once is cheap to have remembered.
      this.own.delete(token);
      return own.facts;
    }
    const [keyId, body, tag, ...rest] = token.split('.');
    if (keyId === undefined || body === undefined || tag === undefined || rest.length > 0)
      return null;
    const key = this.keys.get(keyId);
    if (key === undefined) return null;
    const given = Buffer.from(tag, 'base64url');
    const right = mac(key, purpose, body);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    return unpack(Buffer.from(body, 'base64url'));
  }

  private forgetOldest(): void {
    const [oldest] = this.own.keys();
    if (oldest !== undefined) this.own.delete(oldest);
  }
}

const mac = ({ secret }: LeaseKey, purpose: string, body: string): Buffer =>
  hmacSha256(secret, `${purpose}\0${body}`).subarray(0, macBytes);

/**
 * RFC 2104 of a text in UTF-8, by two one-shot hashes. `createHmac` makes an object outside of
 * JavaScript's heap each time; with one token a lease that was 7 % of a busy coordinator, its
 * collection not counted.
 */
export function hmacSha256(secret: Uint8Array, text: string): Buffer {
  const { inner, outer } = blocksOf(secret);
  const bytes = blockBytes + Buffer.byteLength(text);
  const message = bytes <= inner.length ? inner : Buffer.concat([inner], bytes);
  // UTF-8, not one byte a character: two texts must never be the same message.
  message.write(text, blockBytes, 'utf8');
  outer.set(hash('sha256', message.subarray(0, bytes), 'buffer'), blockBytes);
  return hash('sha256', outer, 'buffer');
}

/**
 * What a secret puts before each message, made once, with room behind it for the message: the first
 * hash is of the inner block and the text, the second of the outer block and the first.
 */
function blocksOf(secret: Uint8Array): { inner: Buffer; outer: Buffer } {
  const known = blocks.get(secret);
  if (known !== undefined) return known;
  const key = secret.length > blockBytes ? hash('sha256', secret, 'buffer') : secret;
  const padded = (pad: number, room: number) => {
    const buffer = Buffer.alloc(blockBytes + room);
    for (let i = 0; i < blockBytes; i++) buffer[i] = pad ^ (key[i] ?? 0);
    return buffer;
  };
  const made = { inner: padded(0x36, textBytes), outer: padded(0x5c, 32) };
  blocks.set(secret, made);
  return made;
}
const blocks = new WeakMap<Uint8Array, { inner: Buffer; outer: Buffer }>();
/** SHA-256 works on blocks of 64 bytes. */
const blockBytes = 64;
/** Longer than nearly all that is sealed. */
const textBytes = 4096;
