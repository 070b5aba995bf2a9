/** Identities and testimonies with only what a test cares about said. */
import type { Testimony } from '../../../../coordinator/domain/trust/case.ts';
import { type Reliability, stranger } from '../../../../coordinator/domain/trust/reliability.ts';
import type { Identity } from '../../../../coordinator/domain/trust/repute.ts';

export const dayMs = 86_400_000;
/** Long after everything that a test remembers of the past. */
export const now = 1000 * dayMs;

export const aRecord = (parts: Partial<Reliability> = {}): Reliability => ({
  ...stranger(now),
  ...parts,
});

/** A host that is the only one of its account. */
export function anIdentity(parts: Partial<Reliability> = {}): Identity {
  return { isAnchor: false, host: aRecord(parts), account: aRecord(parts) };
}

/** Passed its probation, made 500 results, and has been here for ten days. */
export const goodRecord = {
  firstSeenAt: now - 10 * dayMs,
  results: 500,
  checks: 40,
  passed: 40,
};

/** What host `number`, of an account and a network of its own, says. */
export const aTestimony = (
  number: number,
  answer: string,
  parts: Partial<Testimony> = {},
): Testimony => ({
  hostId: `h${number}`,
  accountId: `a${number}`,
  network: `n${number}`,
  answer,
  isAnchor: false,
  status: 'heard',
  ...parts,
});
