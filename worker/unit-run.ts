/**
 * From a job's brief and a unit's index to what the sandbox runs, and from how that ended to what
 * is reported. Pure, and the same on every host: hosts that differed here would differ in results.
 */
import { limits } from '../protocol/limits.ts';
import type { HostResult, JobBrief } from '../protocol/messages.ts';
import { encodeOutput } from '../protocol/output.ts';
import { fillTemplate, unitParams } from '../protocol/unit-rule.ts';
import type { JobInputs } from './inputs.ts';
import type { Assignment } from './lease-book.ts';
import type { Platform } from './platform/platform.ts';
import type { SandboxEnd, SandboxRun } from './sandbox/sandbox.ts';

const utf8 = new TextEncoder();

/** `argv[0]`: every host must give the same, so it is a constant and not a path. */
const programName = 'kernel';

export const runIdOf = (leaseId: string, unit: number): string => `${leaseId}/${unit}`;

export async function sandboxRun(
  assignment: Assignment,
  brief: JobBrief,
  inputs: JobInputs,
  sha256: Platform['sha256'],
): Promise<SandboxRun> {
  const { unit } = assignment;
  const params = assignment.params ?? (brief.units === null ? {} : unitParams(brief.units, unit));
  const fill = (template: string) => fillTemplate(template, params, unit);
  return {
    id: runIdOf(assignment.leaseId, unit),
    args: [programName, ...brief.run.args.map(fill)],
    env: {
      ...Object.fromEntries(Object.entries(brief.run.env).map(([name, v]) => [name, fill(v)])),
      MANYHANDS_UNIT_INDEX: String(unit),
    },
    stdin: inputs.stdin,
    files: inputs.files,
    outputs: brief.run.outputs,
    fuelMax: Number(brief.limits.fuelMax),
    outputBytesMax: brief.limits.outputBytesMax,
    wallMsMax: brief.limits.wallMsMax,
    seed: await seedOf(brief.jobId, unit, sha256),
  };
}

/** The unit's stream of randomness: the first 8 bytes, big endian, of SHA-256("job/index"). */
async function seedOf(jobId: string, unit: number, sha256: Platform['sha256']): Promise<bigint> {
  const digest = await sha256(utf8.encode(`${jobId}/${unit}`));
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0);
}

/**
 * The result to report; `largeOutput` is set when the output is to be uploaded. Only success has an
 * output: what a kernel wrote before it failed is no result, and its stderr is for the detail.
 */
export async function resultOf(
  unit: number,
  end: SandboxEnd,
  sha256: Platform['sha256'],
): Promise<{ result: HostResult; largeOutput: Uint8Array | null }> {
  const isSuccess = end.outcome === 'success';
  const output = isSuccess
    ? encodeOutput({ stdout: end.stdout, files: end.files })
    : encodeOutput({ stdout: new Uint8Array(), files: {} });
  const isInline = output.length <= limits.inlineOutputBytesMax;
  return {
    result: {
      unit,
      outcome: end.outcome,
      exitCode: end.exitCode,
      fuel: end.fuel,
      digest: await sha256(output),
      output: isInline ? output : null,
      detail: isSuccess ? '' : detailOf(end),
      wallMs: Math.round(end.wallMs),
    },
    largeOutput: isInline ? null : output,
  };
}

/** The sandbox's sentence, then as much of the end of stderr as there is room for. */
function detailOf(end: SandboxEnd): string {
  const sentence = end.detail.slice(0, limits.detailCharsMax);
  const stderr = new TextDecoder().decode(end.stderr).trim();
  const room = limits.detailCharsMax - sentence.length - 1;
  if (stderr === '' || room <= 0) return sentence;
  const tail = stderr.slice(-room);
  return sentence === '' ? tail : `${sentence}\n${tail}`;
}
