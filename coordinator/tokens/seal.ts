/**
 * Seals facts into a token that any coordinator of the grid can open, and nobody else can read:
 * their bytes, hidden (key-stream.ts), then a keyed hash under a secret that lives in Redis, with the
 * secret's id in front so that it can be changed. `purpose` is part of what is signed: a lease token
 * opens as a lease and as nothing else.
 *
 *   <keyId>.<base64url of the hidden facts>.<the first 22 characters of the keyed hash of purpose, 0, hidden facts>
 *
 * Hidden, because a lease says which shard it is of, and so whether its units are checked.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { pack, unpack } from 'msgpackr';
import type { LeaseKey } from '../domain/lease.ts';
import { headBytes, KeyStream } from './key-stream.ts';

/** 132 bits in base64url: nobody guesses one, and the other half of the hash stays unknown. */
const macChars = 22;
type Key = LeaseKey & { stream: KeyStream };

export class Sealer {
  private readonly newest: Key;
  private readonly keys: Map<string, Key>;

  constructor(keys: readonly [LeaseKey, ...LeaseKey[]]) {
    const [newest, ...others] = keys;
    this.newest = withStream(newest);
    this.keys = new Map([this.newest, ...others.map(withStream)].map((key) => [key.keyId, key]));
  }

  /** Any facts, as MessagePack. `purpose` is ours, and holds no zero. */
  seal(purpose: string, facts: unknown): string {
    return this.sealBytes(purpose, pack(facts));
  }

  /** The facts, or null when this grid did not seal the token for this purpose. */
  open(purpose: string, token: string): unknown {
    const facts = this.openBytes(purpose, token);
    return facts === null ? null : unpack(facts);
  }

  /** Facts that are bytes already. */
  sealBytes(purpose: string, facts: Uint8Array): string {
    const { keyId, secret, stream } = this.newest;
    const hiddenMax = headBytes + facts.length;
    const message = messageFor(secret, 3 * purpose.length + 1 + hiddenMax);
    const from = writePurpose(message, purpose);
    const end = stream.hide(facts, message, from);
    return `${keyId}.${message.toString('base64url', from, end)}.${tagOf(message, end)}`;
  }

  openBytes(purpose: string, token: string): Buffer | null {
    const [keyId, body, tag, ...rest] = token.split('.');
    if (keyId === undefined || body === undefined || tag === undefined || rest.length > 0)
      return null;
    const key = this.keys.get(keyId);
    const hidden = Buffer.from(body, 'base64url');
    // There is more than one text for the same bytes.
    if (key === undefined || hidden.toString('base64url') !== body) return null;
    const message = messageFor(key.secret, 3 * purpose.length + 1 + hidden.length);
    const from = writePurpose(message, purpose);
    message.set(hidden, from);
    const [given, right] = [Buffer.from(tag), Buffer.from(tagOf(message, from + hidden.length))];
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    return key.stream.show(hidden);
  }
}

/** Returns where what comes after it begins. */
function writePurpose(message: Buffer, purpose: string): number {
  const end = blockBytes + message.write(purpose, blockBytes);
  message[end] = 0;
  return end + 1;
}

const tagOf = (message: Buffer, end: number): string =>
  hash('sha256', message.subarray(0, end), 'base64url').slice(0, macChars);

/** A key of its own for hiding: no text that is signed is like this one, for they hold a zero. */
const withStream = (key: LeaseKey): Key => ({
  ...key,
  stream: new KeyStream(Buffer.from(keyedHash(key.secret, 'stream'), 'base64url').subarray(0, 16)),
});

/**
 * SHA-256 of the secret, filled up to a block, and the text in UTF-8: base64url. Half of it is a proof of
 * the secret (AMAC: Bellare, Bernstein and Tessaro, EUROCRYPT 2016), because what is cut off is what an
 * attacker would need to go on from. HMAC hashes twice to do without the cut, and a coordinator with
 * leases of one unit spent a seventh of its time on that.
 */
export const keyedHash = (secret: Uint8Array, text: string): string =>
  hash('sha256', messageOf(secret, text), 'base64url');

/** The same as 32 bytes. */
export const keyedDigest = (secret: Uint8Array, text: string): Buffer =>
  hash('sha256', messageOf(secret, text), 'buffer');

function messageOf(secret: Uint8Array, text: string): Buffer {
  const message = messageFor(secret, 3 * text.length);
  // UTF-8, not one byte a character: two texts must never be the same message.
  return message.subarray(0, blockBytes + message.write(text, blockBytes, 'utf8'));
}

/**
 * A secret as the first block of a message, with room for `bytes` behind it. It is made once, and what was
 * in it before is overwritten.
 */
function messageFor(secret: Uint8Array, bytes: number): Buffer {
  const known = messages.get(secret);
  if (known !== undefined && bytes <= known.length - blockBytes) return known;
  if (secret.length > blockBytes) throw new RangeError('a secret longer than a block');
  const message = Buffer.alloc(blockBytes + Math.max(usualBytes, bytes));
  message.set(secret);
  if (bytes <= usualBytes) messages.set(secret, message);
  return message;
}
const messages = new WeakMap<Uint8Array, Buffer>();
/** SHA-256 works on blocks of 64 bytes. */
const blockBytes = 64;
/** Longer than nearly all that is sealed. */
const usualBytes = 4096;
