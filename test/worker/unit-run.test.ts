import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { type JobBrief, resultSchema } from '../../protocol/messages.ts';
import { decodeOutput, encodeOutput } from '../../protocol/output.ts';
import type { JobInputs } from '../../worker/inputs.ts';
import { resultOf, sandboxRun } from '../../worker/unit-run.ts';
import { success } from './sandboxes.ts';

const sha256 = async (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const digest = `sha256:${'0'.repeat(64)}`;
const brief: JobBrief = {
  jobId: 'j0123456789abcdef',
  name: 'a job',
  kernel: digest,
  kernelBytes: 1,
  migratable: false,
  run: {
    args: ['--p={p}', '{index}', '{unknown}'],
    env: { SHIFT: 'by {shift}' },
    stdin: null,
    files: {},
    outputs: ['/out/*'],
  },
  limits: { fuelMax: '9007199254740991', memoryBytesMax: 1, outputBytesMax: 77, wallMsMax: 88 },
  units: { sweep: { p: [3, 5], shift: { from: 0, count: 2, step: 1 } } },
};
const inputs: JobInputs = {
  kernel: { digest, wasm: new Uint8Array() },
  stdin: new Uint8Array([1]),
  files: { '/data': new Uint8Array([2]) },
};
const aUnit = (unit: number) => ({ leaseId: 'l', jobId: brief.jobId, unit, params: null });
const empty = encodeOutput({ stdout: new Uint8Array(), files: {} });

describe('what a kernel sees', () => {
  test('the unit’s parameters in its arguments and environment, and its index', async () => {
    const run = await sandboxRun(aUnit(3), brief, inputs, sha256);
    expect(run).toMatchObject({
      id: 'l/3',
      args: ['kernel', '--p=5', '3', '{unknown}'],
      env: { SHIFT: 'by 1', MANYHANDS_UNIT_INDEX: '3' },
      outputs: ['/out/*'],
      fuelMax: Number.MAX_SAFE_INTEGER,
      outputBytesMax: 77,
      wallMsMax: 88,
    });
    expect([run.stdin, run.files]).toEqual([inputs.stdin, inputs.files]);
  });

  test('parameters that came with the lease, when the rule did not', async () => {
    const unit = { ...aUnit(3), params: { p: 'x', shift: 'y' } };
    const run = await sandboxRun(unit, { ...brief, units: null }, inputs, sha256);
    expect(run.args[1]).toBe('--p=x');
  });

  test('a seed that is the unit’s own, and the same on every host', async () => {
    const seeds = await Promise.all(
      [0, 1, 0].map(async (unit) => (await sandboxRun(aUnit(unit), brief, inputs, sha256)).seed),
    );
    const expected = createHash('sha256').update('j0123456789abcdef/0').digest().readBigUInt64BE();
    expect(seeds[0]).toBe(expected);
    expect(seeds[2]).toBe(seeds[0]);
    expect(seeds[1]).not.toBe(seeds[0]);
  });

  test('nothing, for an index that the job does not have', async () => {
    await expect(sandboxRun(aUnit(4), brief, inputs, sha256)).rejects.toThrow('unit 4 of 4');
  });
});

describe('what is reported', () => {
  test('a small output in the result itself, under its digest', async () => {
    const { result, largeOutput } = await resultOf(5, success('yes'), sha256);
    expect(resultSchema.safeParse(result).success).toBe(true);
    expect(decodeOutput(result.output ?? new Uint8Array()).stdout).toEqual(
      new TextEncoder().encode('yes'),
    );
    expect(result.digest).toEqual(await sha256(result.output ?? new Uint8Array()));
    expect(largeOutput).toBeNull();
  });

  test('a large output by its digest alone', async () => {
    const end = success(new Uint8Array(limits.inlineOutputBytesMax));
    const { result, largeOutput } = await resultOf(5, end, sha256);
    expect(result.output).toBeNull();
    expect(result.digest).toEqual(await sha256(largeOutput ?? new Uint8Array()));
  });

  test('of a failure its reason and the end of stderr, and no output', async () => {
    const stderr = new TextEncoder().encode(`${'noise '.repeat(1000)}the last line\n`);
    const end = {
      ...success('half'),
      outcome: 'kernel_trap',
      detail: 'unreachable',
      stderr,
    } as const;
    const { result } = await resultOf(5, end, sha256);
    expect(result.output).toEqual(empty);
    expect(result.detail).toMatch(/^unreachable\n.*the last line$/s);
    expect(result.detail).toHaveLength(limits.detailCharsMax);
    expect(resultSchema.safeParse(result).success).toBe(true);
  });

  test('a reason that is too long is cut', async () => {
    const end = { ...success(''), outcome: 'kernel_trap', detail: 'x'.repeat(5000) } as const;
    expect((await resultOf(5, end, sha256)).result.detail).toHaveLength(limits.detailCharsMax);
  });
});
