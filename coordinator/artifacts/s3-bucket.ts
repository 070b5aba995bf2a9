/**
 * A bucket through the official SDK, behind the few calls that artifacts need. It is the only file that knows the
 * SDK, and who keeps artifacts in a folder never loads it (22 MB on disk; 24 MiB and 0.13 s of CPU when it is loaded).
 *
 * S3 answers a PUT when the object is lasting, shows it whole or not at all, and shows it to everybody from then on.
 * It is also far away, and may not answer: each call has an end, is tried three times where that may help, and
 * then throws GridError `unavailable`. That something is not there is said only where S3 said so.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { GridError } from '../../protocol/errors.ts';
import type { S3Place } from './s3-place.ts';
import { S3Unusable } from './s3-unusable.ts';

/** Who is told how S3 fares: what is counted and logged. */
export type S3Watch = { failed(failure: S3Failure): void; worked(): void };

/** What may be logged. The SDK's own errors hold the request, with its signature, and the socket. */
export class S3Failure extends Error {
  readonly call: string;

  constructor(call: string, error: unknown) {
    const { name, message, code = '' } = error as Error & { code?: string };
    super([call, statusOf(error), name, code, message].filter(Boolean).join(' '));
    this.call = call;
  }
}

/** A connection across the world takes a third of a second; a server that is gone does not answer at all. */
const connectMsMax = 3000;
/** Nothing moves for so long: a volunteer waits 30 s for an upload to move on, and 60 s for a report. */
const silenceMsMax = 10_000;
const triesMax = 3;
/** Doubled at each try; with the time-outs above a server that accepts and hangs costs half a minute. */
const retryMs = 200;
/** Connections for what is done here. Each is some milliseconds of work for a call that waits for a disk. */
const callsMax = 128;
/** Downloads go at the pace of who reads. Theirs are connections apart, so that slow readers keep nobody waiting. */
const downloadsMax = 2048;
/** Like the pace at which a volunteer tries again (worker/backoff.ts). */
const retryAfterMs = 5000;

const away = 'Its store of artifacts does not answer.';

/** `at`: when it was written, in milliseconds since 1970, to the second. */
export type Found = { bytes: number; at: number };

type Answer = { ContentLength?: number | undefined; LastModified?: Date | undefined };

const found = ({ ContentLength, LastModified }: Answer): Found => ({
  bytes: ContentLength ?? 0,
  // HTTP tells seconds, and lists may tell more.
  at: Math.floor((LastModified?.getTime() ?? Date.now()) / 1000) * 1000,
});

type Sdk = typeof import('@aws-sdk/client-s3');
type Parts = { sdk: Sdk; calls: S3Client; downloads: S3Client; place: S3Place; watch: S3Watch };

export class Bucket {
  private readonly parts: Parts;

  private constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Looks whether objects can be written, read and removed. Throws S3Unusable. */
  static async open(place: S3Place, watch: S3Watch): Promise<Bucket> {
    // It tells on stderr that another version of Node will be needed: that is ours to know.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const { S3Client: Connection } = sdk;
    const bucket = new Bucket({
      ...{ sdk, place, watch },
      calls: new Connection(settings(callsMax)),
      downloads: new Connection(settings(downloadsMax)),
    });
    try {
      await bucket.probe();
    } catch (error) {
      bucket.close();
      throw error;
    }
    return bucket;
  }

  close(): void {
    this.parts.calls.destroy();
    this.parts.downloads.destroy();
  }

  /** Null when there is no such object. */
  async find(key: string): Promise<Found | null> {
    const { sdk, calls } = this.parts;
    return await this.tried('size', async () => {
      try {
        return found(await calls.send(new sdk.HeadObjectCommand(this.named(key))));
      } catch (error) {
        if (!isMissing(error)) throw error;
        // An answer to HEAD has no words: it may be the bucket that is not there.
        return await this.findAsRead(key);
      }
    });
  }

  private async findAsRead(key: string): Promise<Found | null> {
    const { sdk, calls } = this.parts;
    try {
      const answer = await calls.send(new sdk.GetObjectCommand(this.named(key)));
      (answer.Body as Readable | undefined)?.destroy();
      return found(answer);
    } catch (error) {
      if (isNoSuchKey(error)) return null;
      throw error;
    }
  }

  /** Everything below a key, a thousand at a call. */
  async *list(below: string): AsyncGenerator<Found & { key: string }> {
    const { sdk, calls, place } = this.parts;
    let more: string | undefined;
    do {
      const page = await this.tried('list', () =>
        calls.send(
          new sdk.ListObjectsV2Command({
            ...{ Bucket: place.bucket, Prefix: place.prefix + below },
            ...(more === undefined ? {} : { ContinuationToken: more }),
          }),
        ),
      );
      for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
        const key = Key.slice(place.prefix.length);
        yield { key, ...found({ ContentLength: Size, LastModified }) };
      }
      more = page.NextContinuationToken;
    } while (more !== undefined);
  }

  /** Inside of S3. The copy is as old as it is. False when there is nothing to copy. */
  async copy(from: string, to: string): Promise<boolean> {
    const { sdk, calls, place } = this.parts;
    const copied = await this.tried('copy', () =>
      calls.send(
        new sdk.CopyObjectCommand({
          ...this.named(to),
          CopySource: `${place.bucket}/${place.prefix}${from}`,
        }),
      ),
    ).catch(nullIfMissing);
    return copied !== null;
  }

  /** The time by the clock of S3: of what is written now it says when that was. */
  async now(): Promise<number> {
    const key = `clock-${process.pid}-${Date.now()}`;
    await this.putText(key, '');
    const written = await this.find(key);
    await this.remove(key);
    if (written === null) throw new GridError('unavailable', away, { retryAfterMs });
    return written.at;
  }

  /** Bytes `from` to `to` inclusive, read as they are wanted. Null when there is no such object. */
  async read(key: string, from?: number, to?: number): Promise<Readable | null> {
    const { sdk, downloads } = this.parts;
    const range =
      from === undefined && to === undefined ? {} : { Range: `bytes=${from ?? 0}-${to ?? ''}` };
    return await this.tried('read', async () => {
      const { Body } = await downloads.send(
        new sdk.GetObjectCommand({ ...this.named(key), ...range }),
      );
      return Body as Readable;
    }).catch(nullIfMissing);
  }

  /** Into memory. Null when there is no such object. */
  async readAll(key: string): Promise<Buffer | null> {
    const { sdk, calls } = this.parts;
    return await this.tried('read', async () => {
      const { Body } = await calls.send(new sdk.GetObjectCommand(this.named(key)));
      const pieces: Buffer[] = [];
      for await (const piece of Body as Readable) pieces.push(piece as Buffer);
      return Buffer.concat(pieces);
    }).catch(nullIfMissing);
  }

  /** A file that has this SHA-256, which S3 compares before it answers. */
  async putFile(key: string, path: string, size: number, sha256: string): Promise<void> {
    const { sdk, calls } = this.parts;
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    await this.tried('write', async () => {
      const file = createReadStream(path);
      const broken = new AbortController();
      file.once('error', (error) => broken.abort(error));
      try {
        await calls.send(
          new sdk.PutObjectCommand({
            ...{ ...this.named(key), Body: file, ContentLength: size, ChecksumSHA256 },
          }),
          { abortSignal: broken.signal },
        );
      } finally {
        file.destroy();
      }
    });
  }

  async putText(key: string, text: string): Promise<void> {
    const { sdk, calls } = this.parts;
    await this.tried('write', () =>
      calls.send(new sdk.PutObjectCommand({ ...this.named(key), Body: Buffer.from(text) })),
    );
  }

  /** What is not there any more is removed. */
  async remove(key: string): Promise<void> {
    const { sdk, calls } = this.parts;
    await this.tried('remove', () => calls.send(new sdk.DeleteObjectCommand(this.named(key))));
  }

  /** A look of its own at each start: later nobody is there to read why. */
  private async probe(): Promise<void> {
    const { sdk, calls, place } = this.parts;
    const named = this.named(`probe-${process.pid}-${Date.now()}`);
    const below = { Bucket: place.bucket, Prefix: place.prefix };
    try {
      await calls.send(new sdk.PutObjectCommand({ ...named, Body: Buffer.from('a probe\n') }));
      const { Body } = await calls.send(new sdk.GetObjectCommand(named));
      (Body as Readable | undefined)?.resume();
      await calls.send(new sdk.ListObjectsV2Command({ ...below, MaxKeys: 1 }));
      await calls.send(new sdk.DeleteObjectCommand(named));
    } catch (error) {
      throw new S3Unusable(place.url, error);
    }
  }

  private named(key: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.parts.place;
    return { Bucket: bucket, Key: prefix + key };
  }

  private async tried<T>(call: string, run: () => Promise<T>): Promise<T> {
    const { watch } = this.parts;
    for (let tries = 1; ; tries++) {
      try {
        const value = await run();
        watch.worked();
        return value;
      } catch (error) {
        if (isNoSuchKey(error)) {
          watch.worked();
          throw error;
        }
        const cause = new S3Failure(call, error);
        watch.failed(cause);
        if (tries === triesMax || !mayPass(error))
          throw new GridError('unavailable', away, { cause, retryAfterMs });
      }
      await wait(retryMs * 2 ** (tries - 1) * (0.5 + Math.random()));
    }
  }
}

/** Endpoint, region and credentials the SDK finds by itself, where its users keep them. */
const settings = (connectionsMax: number) => ({
  // What is no server of Amazon's has its buckets in the path, and not in its name.
  forcePathStyle: 'AWS_ENDPOINT_URL_S3' in process.env || 'AWS_ENDPOINT_URL' in process.env,
  // Checksums of its own, which not every server knows: the SHA-256 that we give is one.
  requestChecksumCalculation: 'WHEN_REQUIRED' as const,
  responseChecksumValidation: 'WHEN_REQUIRED' as const,
  // A stream is sent once: tries are ours (`tried`).
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: connectMsMax,
    socketTimeout: silenceMsMax,
    httpAgent: { keepAlive: true, maxSockets: connectionsMax },
    httpsAgent: { keepAlive: true, maxSockets: connectionsMax },
    logger: silent,
  },
});

/** Its warnings would go to the console, between the lines of our log. */
const nothing = () => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
const isNoSuchKey = (error: unknown): boolean => (error as Error).name === 'NoSuchKey';
const isMissing = (error: unknown): boolean => statusOf(error) === 404;

function nullIfMissing(error: unknown): null {
  if (isNoSuchKey(error)) return null;
  throw error;
}

/** The network, the server's own trouble, and "slow down"; what it refuses it would refuse again. */
function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || status === 429 || status === 408;
}
