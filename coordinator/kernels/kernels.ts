/**
 * Prepares kernels: validates and meters each uploaded module once, in a thread with a memory limit
 * and a deadline, because a module is the most hostile input there is. The outcome is kept as an
 * artifact, and remembered by digest and by what the meter is told: a kernel may well be metered
 * for a job that is migratable and for one that is not, to two modules that burn the same fuel.
 */
import { Worker } from 'node:worker_threads';
import { GridError } from '../../protocol/errors.ts';
import { hostFeatures } from '../../protocol/features.ts';
import type { Digest } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { type Artifacts, digestOf } from '../artifacts/artifacts.ts';
import type { KernelNeeds, PreparedKernel } from '../domain/job.ts';
import type { MeterReply, MeterRequest } from './meter-thread.ts';
import { Places } from './places.ts';

const pageBytes = 65_536;
/** The pass takes 2 to 11 MB/s on a busy machine: 30 s is enough for the largest module allowed. */
const deadlineMs = 30_000;
/**
 * Asyncify takes some 25 s for a megabyte on top. What takes longer is most likely an interpreter,
 * which would run four times slower: no scientist is served by waiting for that.
 */
const migratableDeadlineMs = 60_000;
const heapMiBMax = 1024;
/**
 * One kernel at a time each way: preparing one may take a gigabyte (Binaryen's own limit is another).
 * Two queues, so that nobody waits a minute behind a migratable kernel for one that takes milliseconds.
 */
const atOnce = 1;
/** The last of these is answered after some minutes at the worst, and each keeps a request open. */
const waitingMax = 16;
/** Prepared kernels remembered: a few hundred bytes each. */
const rememberedMax = 1000;

export class Kernels {
  private readonly artifacts: Artifacts;
  private readonly prepared = new Map<string, Promise<PreparedKernel>>();
  private readonly places = {
    plain: new Places(atOnce, waitingMax),
    migratable: new Places(atOnce, waitingMax),
  };

  constructor(artifacts: Artifacts) {
    this.artifacts = artifacts;
  }

  /**
   * Both artifacts are there then, and kept for who asks. Throws GridError `artifact_unknown`, `busy`, or `kernel_refused`
   * with the reason and the offset.
   */
  async prepare(digest: Digest, needs: KernelNeeds): Promise<PreparedKernel> {
    const { memoryBytesMax, nans, isMigratable } = needs;
    const memoryPagesMax = Math.floor(memoryBytesMax / pageBytes);
    const key = `${digest}/${memoryPagesMax}/${nans}/${isMigratable}`;
    await this.forgetCleared(key);
    let pending = this.prepared.get(key);
    if (pending === undefined) {
      const place = isMigratable ? this.places.migratable : this.places.plain;
      pending = place.during(() =>
        this.meter(digest, { options: { memoryPagesMax, nans }, isMigratable }),
      );
      this.prepared.set(key, pending);
      pending.catch(() => this.prepared.delete(key));
      if (this.prepared.size > rememberedMax) this.forgetOldest();
    }
    return await pending;
  }

  /** No job may have named it for days: then its artifacts are gone. */
  private async forgetCleared(key: string): Promise<void> {
    const pending = this.prepared.get(key);
    if (pending === undefined) return;
    const { digest, meteredDigest } = await pending;
    const sizes = [digest, meteredDigest].map((one) => this.artifacts.keep('input', one));
    const isGone = (await Promise.all(sizes)).includes(null);
    if (isGone && this.prepared.get(key) === pending) this.prepared.delete(key);
  }

  private forgetOldest(): void {
    const [oldest] = this.prepared.keys();
    if (oldest !== undefined) this.prepared.delete(oldest);
  }

  private async meter(digest: Digest, needs: Omit<MeterRequest, 'wasm'>): Promise<PreparedKernel> {
    const size = await this.artifacts.keep('input', digest);
    if (size === null)
      throw new GridError('artifact_unknown', `Upload the kernel ${digest} first.`);
    if (size > limits.kernelBytesMax) {
      throw new GridError(
        'kernel_refused',
        `It has ${size} bytes; ${limits.kernelBytesMax} are allowed.`,
      );
    }
    const wasm = await this.artifacts.readAll('input', digest);
    const reply = await meterInThread({ wasm, ...needs });
    if (reply.kind === 'refused') throw new GridError('kernel_refused', reply.why);
    const meteredDigest = digestOf(reply.wasm);
    await this.artifacts.write('input', meteredDigest, [reply.wasm]);
    const features = hostFeatures.filter((feature) => reply.features.includes(feature));
    return {
      digest,
      meteredDigest,
      meteredBytes: reply.wasm.length,
      meterVersion: reply.meterVersion,
      ...(features.length > 0 ? { features } : {}),
    };
  }
}

function meterInThread(request: MeterRequest): Promise<MeterReply> {
  return new Promise((resolve) => {
    const thread = new Worker(threadFile, {
      workerData: request,
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    });
    const end = (reply: MeterReply) => {
      clearTimeout(deadline);
      void thread.terminate();
      resolve(reply);
    };
    const refuse = (why: string) => end({ kind: 'refused', why });
    const { isMigratable } = request;
    const doing = isMigratable ? 'Checking it and making it migratable' : 'Checking it';
    const advice = isMigratable ? ' A kernel with step() needs less preparation.' : '';
    const deadline = setTimeout(
      () => refuse(`${doing} took too long.${advice}`),
      isMigratable ? migratableDeadlineMs : deadlineMs,
    );
    thread.once('message', end);
    thread.once('error', (error) => refuse(`${doing} failed: ${error.message}.${advice}`));
    thread.once('exit', () => refuse(`${doing} took too much memory.${advice}`));
  });
}

/** A thread runs JavaScript only; from TypeScript sources (in tests) the built file is used. */
const threadFile = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/coordinator/kernels/meter-thread.js', import.meta.url)
  : new URL('./meter-thread.js', import.meta.url);
