import { createPublicKey, verify } from 'node:crypto';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { type Identity, openIdentity } from '../../worker/identity.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import { aFolder } from './join.ts';

let folder: string;
beforeEach(async () => {
  folder = await aFolder();
});

async function open(): Promise<Identity> {
  const storage = await nodePlatform.openStorage(folder);
  try {
    return await openIdentity(storage, nodePlatform.keys);
  } finally {
    await storage.close();
  }
}

function isSigned(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
}

test('two keys are made at the first join, readable by this person only', async () => {
  expect((await open()).isNew).toBe(true);
  const files = await readdir(folder);
  expect(files.toSorted()).toEqual([
    'account.pem',
    expect.stringMatching(/^host-[0-9a-f]{16}.pem$/),
  ]);
  for (const file of files) {
    expect(((await stat(join(folder, file))).mode & 0o777).toString(8)).toBe('600');
  }
});

test('they are the same ever after', async () => {
  const first = await open();
  const second = await open();
  expect(second.isNew).toBe(false);
  expect([second.accountKey, second.hostKey]).toEqual([first.accountKey, first.hostKey]);
});

test('the account certifies the host, and the host signs for one grid and one session', async () => {
  const { accountKey, hostKey, certificate, signSession } = await open();
  const nonce = new Uint8Array(32).fill(9);
  const signature = await signSession('a grid', nonce);
  expect(isSigned(accountKey, certificateBytes(hostKey), certificate)).toBe(true);
  expect(isSigned(hostKey, sessionBytes('a grid', nonce), signature)).toBe(true);
  expect(isSigned(hostKey, sessionBytes('another grid', nonce), signature)).toBe(false);
});

test('another account in the same folder gets another host: a host belongs to one account', async () => {
  const first = await open();
  await rm(join(folder, 'account.pem'));
  expect((await open()).hostKey).not.toEqual(first.hostKey);
});

test('a key file that cannot be read is never replaced: the credit hangs on it', async () => {
  await writeFile(join(folder, 'account.pem'), 'half a k');
  await expect(open()).rejects.toThrow('account.pem holds no Ed25519 key');
});
