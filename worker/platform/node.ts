/** Node behind the platform's words. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { cgroupCores } from './cgroup.ts';
import { openFolder } from './node-folder.ts';
import { openNodeSocket } from './node-socket.ts';
import type { Platform, SigningKey } from './platform.ts';

export const nodePlatform: Platform = {
  kind: 'node',
  cores: Math.max(1, Math.min(availableParallelism(), Math.floor(cgroupCores()))),
  memoryBytes: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
  sha256: async (bytes) => createHash('sha256').update(bytes).digest(),
  keys: {
    create: async () => signingKey(generateKeyPairSync('ed25519').privateKey),
    open: async (pem) => signingKey(createPrivateKey(pem)),
  },
  openStorage: openFolder,
  openSocket: openNodeSocket,
};

function signingKey(key: KeyObject): SigningKey {
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new Error(`expected an Ed25519 key, this one is ${key.asymmetricKeyType}`);
  }
  // An Ed25519 public key in SPKI form is 12 fixed bytes and the 32 of the key (RFC 8410).
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    pem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: spki.subarray(-32),
    sign: async (bytes) => sign(null, bytes, key),
  };
}
