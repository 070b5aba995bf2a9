/**
 * The Lucas-Lehmer test once more, as short as it can be written and on the host's own big
 * integers. It shares nothing with the kernel but the definition, so that tests can compare them.
 */

/** The term after so many squarings, from 0 to 2^exponent - 2. */
export function lucasLehmerTerm(exponent: number, iterations = exponent - 2): bigint {
  const modulus = (1n << BigInt(exponent)) - 1n;
  let term = 4n % modulus;
  for (let i = 0; i < iterations; i++) term = (term * term + modulus - 2n) % modulus;
  return term;
}

/** The customary fingerprint: the low 64 bits as 16 upper-case hexadecimal digits. */
export const res64 = (term: bigint): string =>
  BigInt.asUintN(64, term).toString(16).toUpperCase().padStart(16, '0');
