/** A job whose kernel everybody has: one Mersenne number a unit, of exponents that take as long as a test wants. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type GridProcesses, mersenneKernel } from './processes.ts';

type Exponents = number[] | { from: number; count: number; step: number };

export async function submitExponents(grid: GridProcesses, exponents: Exponents): Promise<string> {
  const wasm = readFileSync(mersenneKernel);
  const kernel = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  await grid.put(kernel, wasm);
  return await grid.submit({
    name: 'in the middle',
    kernel,
    units: { sweep: { p: exponents } },
    run: { args: ['--exponent', '{p}'] },
    limits: { memoryBytesMax: 16 * 1024 * 1024, outputBytesMax: 1024 },
  });
}
