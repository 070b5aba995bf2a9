import { z } from 'zod';

/** How a run ended. Told by the host; the same kernel and input end the same way everywhere. */
export const outcomes = [
  'success',
  'kernel_exit',
  'kernel_trap',
  'fuel_exhausted',
  'memory_exceeded',
  'output_exceeded',
  'time_exceeded',
  'host_error',
  'aborted',
] as const;
export type Outcome = (typeof outcomes)[number];
export const outcomeSchema = z.enum(outcomes);

/**
 * Outcomes that say nothing about the kernel: another host may well succeed, so the unit gets a
 * new replica. All other outcomes are the kernel's own doing and are as deterministic as success.
 */
const hostOutcomes: ReadonlySet<Outcome> = new Set(['host_error', 'aborted', 'time_exceeded']);
export const isHostOutcome = (outcome: Outcome): boolean => hostOutcomes.has(outcome);

/** What we say of a result. The terminal answers of a late report are `too_late` and `not_needed`. */
export const verdicts = [
  'pending',
  'accepted',
  'final',
  'invalid',
  'revoked',
  'too_late',
  'not_needed',
] as const;
export type Verdict = (typeof verdicts)[number];
export const verdictSchema = z.enum(verdicts);
