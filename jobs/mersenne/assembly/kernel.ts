/**
 * The Lucas-Lehmer test of one Mersenne number, as a work unit.
 *
 *   --exponent P [--iterations N]
 *
 * With s = 4 and then s = s² - 2 modulo 2^P - 1, repeated P - 2 times, 2^P - 1 is prime exactly
 * when s ends at zero (P at least 3). The result is one line of JSON; `res64` is the low 64 bits
 * of the last s, which two independent computations must agree on. With N the sequence stops
 * early, to be compared with published residues of other programs; then `prime` is null.
 */
import { fail, hex64, option, print, wholeOption } from 'kernel-sdk';
import { SchoolbookTerm } from './schoolbook';

/** Larger ones would take days in one unit. */
const EXPONENT_MAX: u64 = 10_000;

const exponent = wholeOption('--exponent');
if (exponent < 2 || exponent > EXPONENT_MAX) {
  fail('--exponent must be from 2 to ' + EXPONENT_MAX.toString());
}
const full = exponent - 2;
const iterations = option('--iterations') === null ? full : wholeOption('--iterations');
if (iterations > full)
  fail('--iterations must be at most ' + full.toString() + ' for this exponent');

const term = new SchoolbookTerm(exponent as u32);
for (let i: u64 = 0; i < iterations; i++) term.next();

// 2^2 - 1 = 3 is prime, but the test speaks of odd exponents only.
const prime = iterations < full ? 'null' : exponent == 2 || term.isZero() ? 'true' : 'false';
print(
  '{"exponent":' +
    exponent.toString() +
    ',"prime":' +
    prime +
    ',"res64":"' +
    hex64(term.low64()) +
    '","iterations":' +
    iterations.toString() +
    '}',
);
