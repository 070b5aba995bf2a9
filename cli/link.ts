/**
 * Linking two hosts of one person (protocol/links.ts), from both ends. The account's key is read at the
 * first host and never sent; what travels is the new host's public key, and a signature of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateBytes } from '../protocol/identity.ts';
import {
  linkOfferedSchema,
  linkOfferSchema,
  linkSchema,
  linkTicketSchema,
} from '../protocol/links.ts';
import { adoptAccount } from '../worker/identity.ts';
import { nodePlatform } from '../worker/platform/node.ts';
import { PlaceUnusable, type SigningKey } from '../worker/platform/platform.ts';
import { findSigner } from './account-key.ts';
import { Failure } from './failure.ts';
import { openHttp } from './http.ts';
import { unusableFolder } from './unusable-folder.ts';

/** A person waits at both ends; each look is one read of Redis. */
const lookEveryMs = 1000;

/** Offers a code, waits for the host that shows it, and certifies it. Returns that host's name. */
export async function offerLink(
  url: string,
  dataDir: string,
  offered: (code: string, expiresInMs: number) => void,
): Promise<string> {
  const account = await openAccount(dataDir);
  const { code, offer, expiresInMs } = await openHttp(url, null).ask(
    linkOfferedSchema,
    '/v1/links',
    {
      method: 'POST',
    },
  );
  offered(code, expiresInMs);
  const http = openHttp(url, offer);
  for (;;) {
    const { hostKey, hostName } = await http.ask(linkOfferSchema, '/v1/links/offer');
    if (hostKey !== null) {
      const certificate = await account.sign(certificateBytes(Buffer.from(hostKey, 'base64url')));
      await http.request('/v1/links/offer', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          accountKey: text(account.publicKey),
          certificate: text(certificate),
        }),
      });
      return hostName ?? '';
    }
    await sleep(lookEveryMs);
  }
}

/** Makes this machine a host of the account whose code it is. */
export async function adoptByCode(
  url: string,
  dataDir: string,
  code: string,
  hostName: string,
): Promise<void> {
  const storage = await nodePlatform.openStorage(dataDir).catch((error) => {
    throw error instanceof PlaceUnusable ? unusableFolder(dataDir, error) : error;
  });
  try {
    const host = await nodePlatform.keys.create();
    const { ticket } = await openHttp(url, null).ask(linkTicketSchema, '/v1/links/ticket', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code, hostKey: text(host.publicKey), hostName }),
    });
    const http = openHttp(url, ticket);
    for (;;) {
      const { accountKey, certificate } = await http.ask(linkSchema, '/v1/links/ticket');
      if (accountKey !== null && certificate !== null) {
        await adoptAccount(storage, host, bytes(accountKey), bytes(certificate));
        return;
      }
      await sleep(lookEveryMs);
    }
  } finally {
    await storage.close();
  }
}

/** A machine that was linked has no key of the account, whatever is left of one it had before. */
async function openAccount(dataDir: string): Promise<SigningKey> {
  const signer = await findSigner(dataDir).catch((error) => {
    if (error instanceof Failure && error.code === 'file_unknown') return null;
    throw error;
  });
  if (signer?.kind === 'account') return signer.key;
  const why =
    signer === null
      ? `there is no account.pem in ${dataDir}: it never joined`
      : 'it was linked to an account of another machine, and earns for that one';
  throw new Failure('account_elsewhere', 'This machine does not have the key of its account.', {
    why,
    remedy: 'run this on the host that made the account, or name its folder with --data',
  });
}

const text = (raw: Uint8Array): string => Buffer.from(raw).toString('base64url');
const bytes = (encoded: string): Uint8Array => Buffer.from(encoded, 'base64url');
