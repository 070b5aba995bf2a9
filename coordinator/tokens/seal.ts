/**
 * Seals facts into a token that any coordinator of the grid can open, and nobody else can read:
 * MessagePack, hidden (key-stream.ts), then a keyed hash under a secret that lives in Redis, with the
 * secret's id in front so that it can be changed. `purpose` is part of what is signed: a lease token
 * opens as a lease and as nothing else.
 *
 *   <keyId>.<base64url of the hidden facts>.<the first 22 characters of the keyed hash>
 *
 * Hidden, because a lease says which shard it is of, and so whether its units are checked.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { pack, unpack } from 'msgpackr';
import type { LeaseKey } from '../domain/lease.ts';
import { KeyStream } from './key-stream.ts';

/** 132 bits in base64url: nobody guesses one, and the other half of the hash stays unknown. */
const macChars = 22;
/** In front of the facts: how many bytes they are, the rest being filled up. */
const lengthBytes = 2;

type Key = LeaseKey & { stream: KeyStream };

export class Sealer {
  private readonly newest: Key;
  private readonly keys: Map<string, Key>;

  constructor(keys: readonly [LeaseKey, ...LeaseKey[]]) {
    const [newest, ...others] = keys;
    this.newest = withStream(newest);
    this.keys = new Map([this.newest, ...others.map(withStream)].map((key) => [key.keyId, key]));
  }

  /** Filled up to `bytesMin`, where a token's length would tell what it holds. */
  seal(purpose: string, facts: unknown, bytesMin = 0): string {
    const packed = pack(facts);
    const filled = Buffer.alloc(Math.max(lengthBytes + packed.length, bytesMin));
    filled.writeUInt16BE(packed.length);
    filled.set(packed, lengthBytes);
    const body = this.newest.stream.hide(filled).toString('base64url');
    const tag = mac(this.newest, purpose, body);
    return `${this.newest.keyId}.${body}.${tag}`;
  }

  /** The facts, or null when this grid did not seal the token for this purpose. */
  open(purpose: string, token: string): unknown {
    const [keyId, body, tag, ...rest] = token.split('.');
    if (keyId === undefined || body === undefined || tag === undefined || rest.length > 0)
      return null;
    const key = this.keys.get(keyId);
    if (key === undefined) return null;
    const given = Buffer.from(tag);
    const right = Buffer.from(mac(key, purpose, body));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const filled = key.stream.show(Buffer.from(body, 'base64url'));
    return unpack(filled.subarray(lengthBytes, lengthBytes + filled.readUInt16BE()));
  }
}

/** A key of its own for hiding: no text that is signed is like this one, for they hold a zero. */
const withStream = (key: LeaseKey): Key => ({
  ...key,
  stream: new KeyStream(Buffer.from(keyedHash(key.secret, 'stream'), 'base64url').subarray(0, 16)),
});

const mac = ({ secret }: LeaseKey, purpose: string, body: string): string =>
  keyedHash(secret, `${purpose}\0${body}`).slice(0, macChars);

/**
 * SHA-256 of the secret, filled up to a block, and the text in UTF-8: base64url. Half of it is a proof of
 * the secret (AMAC: Bellare, Bernstein and Tessaro, EUROCRYPT 2016), because what is cut off is what an
 * attacker would need to go on from. HMAC hashes twice to do without the cut, and a coordinator with
 * leases of one unit spent a seventh of its time on that.
 */
export function keyedHash(secret: Uint8Array, text: string): string {
  const block = blockOf(secret);
  const bytes = blockBytes + Buffer.byteLength(text);
  const message = bytes <= block.length ? block : Buffer.concat([block], bytes);
  // UTF-8, not one byte a character: two texts must never be the same message.
  message.write(text, blockBytes, 'utf8');
  return hash('sha256', message.subarray(0, bytes), 'base64url');
}

/** A secret as the first block of a message, made once, with room behind it for the text. */
function blockOf(secret: Uint8Array): Buffer {
  const known = blocks.get(secret);
  if (known !== undefined) return known;
  if (secret.length > blockBytes) throw new RangeError('a secret longer than a block');
  const block = Buffer.alloc(blockBytes + textBytes);
  block.set(secret);
  blocks.set(secret, block);
  return block;
}
const blocks = new WeakMap<Uint8Array, Buffer>();
/** SHA-256 works on blocks of 64 bytes. */
const blockBytes = 64;
/** Longer than nearly all that is sealed. */
const textBytes = 4096;
