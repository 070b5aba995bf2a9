/**
 * A job of the simulated scientist, and the truth about its units: what an honest host finds, the same
 * on every host. Most units succeed; some trap, some exit with a code, as a kernel does by itself.
 */
import { createHash } from 'node:crypto';
import type { JobId } from '../../protocol/ids.ts';
import type { JobDocumentInput } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';
import type { HostResult } from '../../protocol/messages.ts';
import { encodeOutput } from '../../protocol/output.ts';
import { Random } from './random.ts';

export type SimJob = {
  name: string;
  seed: bigint;
  /** The Idempotency-Key of its submission. */
  key: string;
  document: JobDocumentInput;
  units: number;
  memoryBytes: number;
  /** What a unit takes one core of a usual host. */
  unitMs: number;
  trapShare: number;
  exitShare: number;
  largeShare: number;
  submitAtMs: number;
  cancelAtMs: number | null;
  /** When the scientist pauses it, and for how long. */
  pause: { atMs: number; forMs: number } | null;
  /** Once the scientist has been told. */
  jobId: JobId | null;
  /** Whether the scientist was told that it is cancelled. */
  isCancelled: boolean;
};

/** What a host found, with the output that goes up as an artifact when it is large. */
export type Finding = { result: HostResult; large: Uint8Array | null };

/** What a unit of the job needs, and so what a host may lack. */
export const memoryBytes = { usual: 2 ** 28, big: 2 ** 31 };
/** Beyond it a job is split into shards of 64 units (coordinator/domain/job.ts). */
const longUnitFuel = '20000000000000';

/** A job of ten units of a second each that all succeed, unless it is said otherwise. */
export function aSimJob({ isLong, priority = 0, ...parts }: SimJobParts = {}): SimJob {
  const { name = 'a job', units = 10, memoryBytes: memoryBytesMax = memoryBytes.usual } = parts;
  const limits = { memoryBytesMax, ...(isLong === true ? { fuelMax: longUnitFuel } : {}) };
  return {
    name,
    seed: 0n,
    key: `submission of ${name}`,
    units,
    memoryBytes: memoryBytesMax,
    unitMs: 1000,
    trapShare: 0,
    exitShare: 0,
    largeShare: 0,
    submitAtMs: 0,
    cancelAtMs: null,
    pause: null,
    jobId: null,
    isCancelled: false,
    ...parts,
    document: {
      name,
      kernel: `sha256:${'0'.repeat(64)}`,
      units: { range: { count: units } },
      limits,
      priority,
    },
  };
}

type SimJobParts = Partial<Omit<SimJob, 'document'>> & {
  /** Its units may burn much: then it is split into small shards. */
  isLong?: boolean;
  priority?: number;
};

export function randomJob(number: number, random: Random, spanMs: number): SimJob {
  const units = random.skewed(1, 700);
  const submitAtMs = random.between(0, spanMs / 2);
  const pausing = random.fork(`pause of job ${number}`);
  const pauseAtMs = submitAtMs + pausing.skewed(1, spanMs);
  return aSimJob({
    name: `job ${number}`,
    seed: random.seed64(),
    units,
    // Long units in small jobs: the whole job is two minutes of work for one core at most.
    unitMs: Math.min(random.skewed(5, 6000), 120_000 / units),
    trapShare: random.pick([0, 0, 0.02, 0.2]),
    exitShare: random.pick([0, 0, 0.05]),
    largeShare: random.pick([0, 0, 0.05]),
    submitAtMs,
    cancelAtMs: random.chance(0.15) ? submitAtMs + random.skewed(1, spanMs) : null,
    pause: pausing.chance(0.3) ? { atMs: pauseAtMs, forMs: pausing.skewed(1, spanMs) } : null,
    priority: random.pick([0, 0, 0, 3]),
    isLong: random.chance(0.6),
    memoryBytes: random.chance(0.2) ? memoryBytes.big : memoryBytes.usual,
  });
}

/** Only success has an output (worker/unit-run.ts). */
const noOutput = encodeOutput({ stdout: new Uint8Array(), files: {} });

/** What the kernel makes of a unit. Asked for again and again: by hosts, and by those who check them. */
export function truthOf(job: SimJob, unit: number): Finding {
  const known = truths.get(job) ?? new Map<number, Finding>();
  truths.set(job, known);
  const truth = known.get(unit) ?? compute(job, unit);
  known.set(unit, truth);
  return truth;
}

const truths = new WeakMap<SimJob, Map<number, Finding>>();

function compute(job: SimJob, unit: number): Finding {
  const random = new Random(job.seed + BigInt(unit));
  const draw = random.fraction();
  const fuel = random.skewed(1000, 5e9);
  if (draw < job.trapShare) return failure(unit, 'kernel_trap', null, fuel);
  if (draw < job.trapShare + job.exitShare) return failure(unit, 'kernel_exit', 3, fuel);
  const isLarge = random.chance(job.largeShare);
  const padding = isLarge ? 'x'.repeat(limits.inlineOutputBytesMax) : '';
  const stdout = Buffer.from(JSON.stringify({ of: job.name, unit, padding }));
  return success(unit, encodeOutput({ stdout, files: {} }), fuel);
}

export function success(unit: number, output: Uint8Array, fuel: number): Finding {
  const digest = new Uint8Array(createHash('sha256').update(output).digest());
  const isLarge = output.length > limits.inlineOutputBytesMax;
  const common = { unit, outcome: 'success' as const, exitCode: 0, fuel, detail: '', wallMs: 1 };
  return {
    result: { ...common, digest, output: isLarge ? null : output },
    large: isLarge ? output : null,
  };
}

export function failure(
  unit: number,
  outcome: HostResult['outcome'],
  exitCode: number | null,
  fuel: number,
): Finding {
  const { result, large } = success(unit, noOutput, fuel);
  return { result: { ...result, outcome, exitCode, detail: `unit ${unit}` }, large };
}
