/**
 * The kernels that the bench measures, and one from each language that `kernel build` knows, are
 * compiled here and now and run wherever kernels run. A language whose compiler is not here is skipped,
 * and says which command would bring it.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { buildKernel } from '../../cli/build-kernel.ts';
import { Failure } from '../../cli/failure.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { sameEverywhere } from '../support/same-everywhere.ts';
import type { SampleRun } from '../support/sample-runs.ts';
import { aRun } from '../worker/sandbox/a-kernel.ts';

/** Each computes with floats, NaNs among them, asks for chance and time, and shows the bits. */
const sources: Record<string, string> = {
  'script.js': `
    const floats = new Float64Array([0 / 0, Math.sqrt(-1), -(0 / 0), Infinity - Infinity, 1e300 * 1e300]);
    print([...new Uint8Array(floats.buffer)].join());
    for (let i = 0; i < 200; i++) floats[i % 5] += Math.sin(i) / (i % 7) + Math.fround(i / 3);
    print(floats.join(), (0.1 + 0.2).toString(2), (123.456).toExponential(9), 2n ** 200n);
    const words = 'many hands make light work'.split(/\\s+/).map((word) => [word.length, word]).sort();
    print(JSON.stringify(words), new Map(words).size, Math.random(), Date.now());`,
  'script.ts': `
    import { print } from 'kernel-sdk';
    const floats = new StaticArray<f64>(4);
    for (let i = 0; i < 400; i++) floats[i & 3] = Math.sqrt(f64(100 - i)) * floats[(i + 1) & 3] + NativeMath.sin(i);
    for (let i = 0; i < 4; i++) print(reinterpret<u64>(floats[i]).toString() + ' ' + floats[i].toString());`,
  'program.cpp': `
    #include <cmath>
    #include <cstring>
    #include <iostream>
    #include <map>
    #include <random>
    #include <string>
    int main() {
      std::map<std::string, double> sums;
      std::mt19937 random{std::random_device{}()};
      for (int i = 0; i < 3000; i++) sums["n" + std::to_string(random() % 9)] += std::log(i % 50 - 1.0);
      for (auto &[name, sum] : sums) {
        long long bits;
        std::memcpy(&bits, &sum, 8);
        std::cout << name << ' ' << sum << ' ' << bits << std::endl;
      }
    }`,
  'program.rs': `
    use std::collections::HashMap;
    fn main() {
      let mut sums: HashMap<u64, f64> = HashMap::new();
      for i in 0..3000u64 { *sums.entry(i * i % 17).or_insert(0.0) += (1.0 - (i % 40) as f64).sqrt() / 3.0; }
      for (key, sum) in &sums { println!("{} {} {:x}", key, sum, sum.to_bits()); }
      println!("{:?}", std::time::SystemTime::now());
    }`,
};

const folder = mkdtempSync(join(tmpdir(), 'manyhands-same-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const benchKernels = fileURLToPath(new URL('../../bench/kernels', import.meta.url));
const paths = [
  ...readdirSync(benchKernels)
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(benchKernels, file)),
  ...Object.entries(sources).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }),
];

const built = new Map<string, SampleRun>();
const lacking = new Map<string, string>();

/** Eleven compilers, one after the other, on a machine that has other things to do. */
beforeAll(async () => {
  for (const path of paths) {
    const wasm = await buildKernel(path).catch((error: unknown) => {
      if (error instanceof Failure && error.code === 'compiler_missing') return error;
      throw error;
    });
    if (wasm instanceof Failure) lacking.set(path, `${wasm.why[0]}; ${wasm.remedy}`);
    else built.set(path, sampleOf(path, wasm));
  }
}, 180_000);

const sampleOf = (path: string, wasm: Uint8Array): SampleRun => ({
  name: basename(path),
  wasm: meterKernel(wasm, { memoryPagesMax: 1024 }).wasm,
  run: aRun({ fuelMax: 1e11 }),
});

describe('for all languages a compiler is here:', () => {
  it.for(paths.map((path) => [basename(path), path]))('%s', ([, path = ''], context) => {
    const reason = lacking.get(path);
    if (reason !== undefined) context.skip(reason);
  });
});

sameEverywhere('kernels of the bench, and of each language,', () => [...built.values()]);
