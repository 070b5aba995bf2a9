/**
 * The search for Mersenne primes as a job: one unit for each odd prime exponent. (2^p - 1 can only
 * be prime when p is, and p = 2 needs no test.)
 */
import { builtKernel } from '../built-kernel.ts';
import { defineJob, type Job } from '../definition.ts';

export function mersenneJob({ below, from = 3 }: { below: number; from?: number }): Job {
  const exponents = oddPrimes(from, below);
  const width = Math.ceil(Math.sqrt(exponents.length));
  return defineJob({
    name: `mersenne-${below}`,
    kernel: builtKernel(import.meta.url),
    units: { sweep: { p: exponents } },
    run: { args: ({ p }) => ['--exponent', p] },
    limits: {
      // Exponents up to 150,000 need about half of this; a kernel that needs more is astray.
      fuelMax: '1000000000000',
      // The number itself is a few kilobytes; sixteen megabytes is room for exponents in the millions.
      memoryBytesMax: 16 * 1024 * 1024,
      // One line of some 80 bytes.
      outputBytesMax: 1024,
    },
    view: { kind: 'tiles', width, height: Math.ceil(exponents.length / width), light: 'prime' },
  });
}

/** The odd primes p with from <= p < below, by the sieve of Eratosthenes. */
export function oddPrimes(from: number, below: number): number[] {
  const composite = new Uint8Array(Math.max(below, 0));
  const primes: number[] = [];
  for (let p = 3; p < below; p += 2) {
    if (composite[p] === 1) continue;
    if (p >= from) primes.push(p);
    for (let multiple = p * p; multiple < below; multiple += 2 * p) composite[multiple] = 1;
  }
  return primes;
}
