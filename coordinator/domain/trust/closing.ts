/**
 * The closing rule: a job is complete only when every account with results in it has passed at least
 * one check there. In a job of millions that is so anyway; in a small one it is what keeps an
 * account from being believed for a whole job on the strength of others.
 */
import type { AccountId } from '../../../protocol/ids.ts';

/** What a job knows of an account: accepted results, and comparisons passed. */
export type Tally = { results: number; passed: number };

/** The accounts of which one more result has to be checked before the job may close. */
export const accountsToCheck = (tallies: ReadonlyMap<AccountId, Tally>): AccountId[] =>
  [...tallies].filter(([, { results, passed }]) => results > 0 && passed === 0).map(([id]) => id);
