/**
 * The jobs that chaos is made over, and what each of their units truly comes to: found by running the
 * kernel here, in the sandbox that volunteers have, so that a result is wrong when it is not just this.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { meterKernel } from '../../kernel/meter.ts';
import type { JobDocumentInput } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';
import type { HostResult } from '../../protocol/messages.ts';
import { encodeOutput } from '../../protocol/output.ts';
import { runKernel } from '../../worker/sandbox/runner.ts';
import { mersenneKernel } from '../e2e/processes.ts';
import { wat } from '../kernel/support/wat.ts';

const pageBytes = 65_536;
const fuelMax = 1e12;

/** What a light volunteer offers; more is for real workers, which take seconds where it takes none. */
export const lightMemoryBytes = 64 * 1024 * 1024;

/** `output`: the encoded output, also when it is too large to be reported. */
export type Truth = { result: HostResult; output: Uint8Array };

export type Workload = {
  name: string;
  wasm: Uint8Array<ArrayBuffer>;
  units: number;
  /** All that a submission takes. */
  document: JobDocumentInput;
  truthOf(unit: number): Truth;
};

/**
 * Prints its argument so many times over, and traps at one unit in a hundred. The memory it fills before is
 * for the fuel, which costs no time that way: each unit is to earn something.
 */
const echo = (times: number) =>
  wat(`(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (local $text i32) (local $length i32) (local $left i32)
      (drop (call $args (i32.const 1024) (i32.const 2048)))
      (local.set $text (i32.load (i32.const 1028)))
      (loop $scan
        (if (i32.load8_u (i32.add (local.get $text) (local.get $length)))
          (then (local.set $length (i32.add (local.get $length) (i32.const 1))) (br $scan))))
      (i32.store (i32.const 16) (local.get $text))
      (i32.store (i32.const 20) (local.get $length))
      (if (i32.eq ;; "77" at its end
            (i32.load16_u (i32.sub (i32.add (local.get $text) (local.get $length)) (i32.const 2)))
            (i32.const 0x3737))
        (then unreachable))
      (local.set $left (i32.const 320))
      (loop $burn
        (memory.fill (i32.const 32768) (i32.const 0) (i32.const 32768))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $burn (local.get $left)))
      (local.set $left (i32.const ${times}))
      (loop $again
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $again (local.get $left)))))`);

/** The first numbers have six digits: they end in two that can be looked at. */
const from = 100_000;

/** Exponents of about a tenth of a second each: a kill finds real workers in the middle of a unit. */
const exponents = [4001, 4003, 4007, 4013, 4019, 4021];

export function makeWorkloads(): Workload[] {
  const range = (units: number) => ({ range: { from, count: units } });
  const value = { args: ['{value}'] };
  return [
    aWorkload('small', echo(1), 1500, {
      units: range(1500),
      run: value,
      limits: { memoryBytesMax: 256 * pageBytes, outputBytesMax: 1024 },
    }),
    // Two kilobytes: more than goes with a report, so they are uploaded before.
    aWorkload('large', echo(400), 150, {
      units: range(150),
      run: value,
      limits: { memoryBytesMax: 256 * pageBytes, outputBytesMax: 8192 },
    }),
    aWorkload('long', new Uint8Array(readFileSync(mersenneKernel)), 24, {
      units: { sweep: { time: { count: 4 }, p: exponents } },
      run: { args: ['--exponent', '{p}'] },
      limits: { memoryBytesMax: 2 * lightMemoryBytes, outputBytesMax: 1024 },
    }),
  ];
}

function aWorkload(
  name: string,
  wasm: Uint8Array,
  units: number,
  rest: Pick<JobDocumentInput, 'units' | 'run' | 'limits'>,
): Workload {
  const kernel = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  const memoryPagesMax = (rest.limits?.memoryBytesMax ?? 0) / pageBytes;
  const module = new WebAssembly.Module(new Uint8Array(meterKernel(wasm, { memoryPagesMax }).wasm));
  const known = new Map<string, Truth>();
  return {
    name,
    wasm: new Uint8Array(wasm),
    units,
    document: { name, kernel, ...rest },
    truthOf(unit) {
      const args =
        name === 'long'
          ? ['--exponent', `${exponents[unit % exponents.length]}`]
          : [`${from + unit}`];
      const key = args.join(' ');
      const { result, output } = known.get(key) ?? run(module, args);
      // All jobs of a workload have the same truth; it is a few bytes, but for the large ones.
      if (output.length <= limits.inlineOutputBytesMax) known.set(key, { result, output });
      return { result: { ...result, unit }, output };
    },
  };
}

/** As a worker reports it. */
function run(module: WebAssembly.Module, args: string[]): Truth {
  const { outcome, exitCode, fuel, stdout, detail } = runKernel(module, {
    args: ['kernel', ...args],
    env: {},
    stdin: new Uint8Array(0),
    files: {},
    outputs: [],
    fuelMax,
    outputBytesMax: 8192,
    // None of the kernels draws a number.
    seed: 0n,
  });
  const isSuccess = outcome === 'success';
  const output = encodeOutput({ stdout: isSuccess ? stdout : new Uint8Array(0), files: {} });
  const result = {
    unit: 0,
    outcome,
    exitCode,
    fuel,
    digest: createHash('sha256').update(output).digest(),
    output: output.length > limits.inlineOutputBytesMax ? null : output,
    detail: detail.slice(0, 100),
    wallMs: 1,
  };
  return { result, output };
}
