/**
 * The Lucas-Lehmer test of one Mersenne number, as a work unit:
 *
 *   --exponent P [--iterations N]
 *
 * With s = 4, and then s = s² - 2 modulo 2^P - 1 for P - 2 times, 2^P - 1 is prime exactly when s
 * ends at zero. The result is one line of JSON; its res64 is the low 64 bits of the last s, which
 * computations that have nothing else in common must agree on. With N the sequence stops early, to
 * be compared with what other programs publish, and `prime` is null.
 */
import { fail, hex64, print, wholeOption } from 'kernel-sdk';
import { SCHOOLBOOK_END, SchoolbookTerm } from './schoolbook';
import { Term } from './term';
import { WeightedTerm } from './weighted';

/** Fits in 16 MiB, but takes days: beyond it a test should be cut into several units. */
const EXPONENT_MAX: u64 = 10_000_000;

const exponent = wholeOption('--exponent');
if (exponent < 2 || exponent > EXPONENT_MAX) {
  fail('--exponent must be from 2 to ' + EXPONENT_MAX.toString());
}
const full = exponent - 2;
const iterations = wholeOption('--iterations', full);
if (iterations > full) {
  fail('--iterations must be at most ' + full.toString() + ' for this exponent');
}

// As far as it goes the schoolbook is faster (but for 5,600 to 6,528, where it loses a quarter).
const term: Term =
  exponent < SCHOOLBOOK_END
    ? new SchoolbookTerm(exponent as u32)
    : new WeightedTerm(exponent as u32);
for (let i: u64 = 0; i < iterations; i++) term.next();

// The test speaks of P from 3 on; 2² - 1 = 3 is prime as everyone knows.
const prime = iterations < full ? 'null' : exponent == 2 || term.isZero() ? 'true' : 'false';
print(
  `{"exponent":${exponent},"prime":${prime},"res64":"${hex64(term.low64())}","iterations":${iterations}}`,
);
