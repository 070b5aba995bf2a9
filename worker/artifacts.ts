/**
 * Artifacts over HTTP: kernels and inputs come down, large outputs go up. Bytes are believed only
 * when their SHA-256 is the name they were asked for by. What came down stays on the disk for the
 * next time, least recently used out first; a download that was cut goes on where it stopped, also
 * after a restart.
 *
 * A network that is away is waited for: that the coordinator cannot be reached says nothing about
 * the unit. A digest that it does not have, or bytes that are not it, end in a MissingArtifact.
 */
import { concatBytes } from '../protocol/bytes.ts';
import type { Digest } from '../protocol/ids.ts';
import { limits } from '../protocol/limits.ts';
import { backoffMs } from './backoff.ts';
import { digestOf, hexOfDigest } from './digest.ts';
import type { Platform, Storage } from './platform/platform.ts';
import { sleep } from './sleep.ts';

export class MissingArtifact extends Error {}

/** The coordinator did not take an upload. */
export class UploadRefused extends Error {
  /** The soonest that it is welcome again; 0 when nothing was said of that. */
  readonly retryAfterMs: number;

  constructor({ status, headers }: Response) {
    super(`HTTP ${status}`);
    const seconds = headers.get('retry-after') ?? '';
    this.retryAfterMs = /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 0;
  }
}

/** A body that brings nothing for this long is cut; the part that came is kept. */
const silenceMaxMs = 30_000;
/** Asked this often for bytes that it answers wrongly or not at all, a coordinator is believed. */
const refusalsMax = 3;
/** Room for some hundred kernels or a handful of telescope recordings. */
const cacheBytesMax = 4 * 1024 ** 3;
/** Slower than this an upload is taken to be stuck: 64 MiB then have more than an hour. */
const uploadBytesPerMsMin = 16;

export class Artifacts {
  private readonly url: () => string;
  private readonly storage: Storage;
  private readonly sha256: Platform['sha256'];
  private readonly cacheBytesMax: number;
  private readonly waitMs: (attempt: number) => number;
  private readonly underWay = new Map<Digest, Promise<unknown>>();

  /** `url` tells the coordinator's, without a slash at its end: another one may be asked some day. */
  constructor(
    url: () => string,
    storage: Storage,
    sha256: Platform['sha256'],
    options: { cacheBytesMax?: number; waitMs?: (attempt: number) => number } = {},
  ) {
    this.url = url;
    this.storage = storage;
    this.sha256 = sha256;
    this.cacheBytesMax = options.cacheBytesMax ?? cacheBytesMax;
    this.waitMs = options.waitMs ?? ((attempt) => backoffMs(attempt, Math.random()));
  }

  /** The artifact, from the disk or the coordinator. Throws MissingArtifact, or when aborted. */
  async get(digest: Digest, signal: AbortSignal): Promise<Uint8Array> {
    // Two jobs may have the same kernel; two downloads may not have the same file.
    for (let other = this.underWay.get(digest); other; other = this.underWay.get(digest)) {
      await other;
    }
    const work = this.obtain(digest, signal);
    this.underWay.set(
      digest,
      work.catch(() => undefined).then(() => this.underWay.delete(digest)),
    );
    return work;
  }

  /**
   * Stores an output at the coordinator; `token` is the session's. Throws when it was not stored: UploadRefused when the
   * coordinator said so.
   */
  async upload(sha256: Uint8Array, bytes: Uint8Array, token: string): Promise<void> {
    const response = await fetch(this.addressOf(digestOf(sha256)), {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
      signal: AbortSignal.timeout(silenceMaxMs + Math.ceil(bytes.length / uploadBytesPerMsMin)),
    });
    await response.body?.cancel();
    if (!response.ok) throw new UploadRefused(response);
  }

  private async obtain(digest: Digest, signal: AbortSignal): Promise<Uint8Array> {
    const name = `artifacts/${hexOfDigest(digest)}`;
    const cached = await this.storage.read(name);
    if (cached !== null) {
      if (await this.isDigestOf(digest, cached)) {
        await this.storage.touch(name);
        return cached;
      }
      await this.storage.remove(name);
    }
    let refusals = 0;
    for (let attempt = 0; ; attempt++) {
      try {
        const bytes = await this.download(digest, `${name}.part`, signal);
        await this.keep(name);
        return bytes;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof MissingArtifact && ++refusals >= refusalsMax) throw error;
      }
      await sleep(this.waitMs(attempt), signal);
    }
  }

  private async download(digest: Digest, part: string, signal: AbortSignal): Promise<Uint8Array> {
    const have = (await this.storage.read(part)) ?? new Uint8Array();
    const silence = new Silence();
    try {
      const response = await fetch(this.addressOf(digest), {
        headers: {
          // A part of compressed bytes would be a part of something else.
          'accept-encoding': 'identity',
          ...(have.length > 0 && { range: `bytes=${have.length}-` }),
        },
        signal: AbortSignal.any([signal, silence.signal]),
      });
      const bytes = await this.receive(response, have, part, silence);
      if (await this.isDigestOf(digest, bytes)) return bytes;
    } finally {
      silence.end();
    }
    await this.storage.remove(part);
    throw new MissingArtifact(`the bytes the coordinator has for ${digest} are others`);
  }

  /** What we had and what the response adds, which is in the part's file when this throws. */
  private async receive(
    response: Response,
    have: Uint8Array,
    part: string,
    silence: Silence,
  ): Promise<Uint8Array> {
    // There is nothing behind what we have: it is whole, or not what was asked for.
    if (response.status === 416) return have;
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const isTheirTrouble = response.status >= 500 || response.status === 429;
      throw isTheirTrouble
        ? new Error(`HTTP ${response.status}`)
        : new MissingArtifact(`the coordinator has no such artifact (HTTP ${response.status})`);
    }
    if (response.status !== 206) await this.storage.remove(part);
    const chunks: Uint8Array[] = response.status === 206 ? [have] : [];
    let length = chunks[0]?.length ?? 0;
    const file = await this.storage.openAppend(part);
    try {
      for await (const chunk of response.body) {
        silence.broken();
        length += chunk.length;
        if (length > limits.artifactBytesMax)
          throw new MissingArtifact('the artifact is too large');
        await file.append(chunk);
        chunks.push(chunk);
      }
    } finally {
      await file.close();
    }
    return concatBytes(chunks);
  }

  /** Moves a whole part to its place, and the least recently used out when there is no room. */
  private async keep(name: string): Promise<void> {
    await this.storage.rename(`${name}.part`, name);
    const files = await this.storage.list('artifacts');
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const file of files.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (total <= this.cacheBytesMax) return;
      if (file.name === name) continue;
      await this.storage.remove(file.name);
      total -= file.bytes;
    }
  }

  private async isDigestOf(digest: Digest, bytes: Uint8Array): Promise<boolean> {
    return digestOf(await this.sha256(bytes)) === digest;
  }

  private addressOf(digest: Digest): string {
    return `${this.url()}/v1/artifacts/${digest}`;
  }
}

/** Aborts its signal when it is not broken for too long. */
class Silence {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.broken();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  broken(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(new Error('silence')), silenceMaxMs);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}
