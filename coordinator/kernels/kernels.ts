/**
 * Prepares kernels: validates and meters each uploaded module once, in a thread with a memory limit
 * and a deadline, because a module is the most hostile input there is. The outcome is kept as an
 * artifact, and remembered by digest and by what the meter is told.
 */
import { Worker } from 'node:worker_threads';
import type { MeterOptions } from '../../kernel/meter.ts';
import { GridError } from '../../protocol/errors.ts';
import type { Digest } from '../../protocol/ids.ts';
import type { JobDocument } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';
import { type Artifacts, digestOf } from '../artifacts/artifacts.ts';
import type { PreparedKernel } from '../domain/job.ts';
import type { MeterReply, MeterRequest } from './meter-thread.ts';

const pageBytes = 65_536;
/** The pass takes 2 to 11 MB/s on a busy machine: 30 s is enough for the largest module allowed. */
const deadlineMs = 30_000;
const heapMiBMax = 1024;
/** Prepared kernels remembered: a few hundred bytes each. */
const rememberedMax = 1000;

export class Kernels {
  private readonly artifacts: Artifacts;
  private readonly prepared = new Map<string, Promise<PreparedKernel>>();

  constructor(artifacts: Artifacts) {
    this.artifacts = artifacts;
  }

  /** Throws GridError `artifact_unknown` or `kernel_refused` with the reason and the offset. */
  async prepare(
    digest: Digest,
    memoryBytesMax: number,
    nans: JobDocument['nans'],
  ): Promise<PreparedKernel> {
    const memoryPagesMax = Math.floor(memoryBytesMax / pageBytes);
    const key = `${digest}/${memoryPagesMax}/${nans}`;
    let pending = this.prepared.get(key);
    if (pending === undefined) {
      pending = this.meter(digest, { memoryPagesMax, nans });
      this.prepared.set(key, pending);
      pending.catch(() => this.prepared.delete(key));
      if (this.prepared.size > rememberedMax) this.forgetOldest();
    }
    return await pending;
  }

  private forgetOldest(): void {
    const [oldest] = this.prepared.keys();
    if (oldest !== undefined) this.prepared.delete(oldest);
  }

  private async meter(digest: Digest, options: MeterOptions): Promise<PreparedKernel> {
    const size = await this.artifacts.size('input', digest);
    if (size === null)
      throw new GridError('artifact_unknown', `Upload the kernel ${digest} first.`);
    if (size > limits.kernelBytesMax) {
      throw new GridError(
        'kernel_refused',
        `It has ${size} bytes; ${limits.kernelBytesMax} are allowed.`,
      );
    }
    const wasm = await this.artifacts.readAll('input', digest);
    const reply = await meterInThread({ wasm, options });
    if (reply.kind === 'refused') throw new GridError('kernel_refused', reply.why);
    const meteredDigest = digestOf(reply.wasm);
    await this.artifacts.write('input', meteredDigest, [reply.wasm]);
    return {
      digest,
      meteredDigest,
      meteredBytes: reply.wasm.length,
      meterVersion: reply.meterVersion,
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
    const deadline = setTimeout(() => refuse('Checking it took too long.'), deadlineMs);
    thread.once('message', end);
    thread.once('error', (error) => refuse(`Checking it failed: ${error.message}`));
    thread.once('exit', () => refuse('Checking it took too much memory.'));
  });
}

/** A thread runs JavaScript only; from TypeScript sources (in tests) the built file is used. */
const threadFile = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/coordinator/kernels/meter-thread.js', import.meta.url)
  : new URL('./meter-thread.js', import.meta.url);
