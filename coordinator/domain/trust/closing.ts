/**
 * The closing rule: a job is complete only when every account with results in it has passed at least one
 * check there. In a job of millions that is so anyway; in a small one it is what keeps an account from
 * being believed for a whole job on the strength of others.
 *
 * Nobody waits for ever for it: what nobody is there to check is not waited for, and said of the job.
 */
import type { AccountId, HostId } from '../../../protocol/ids.ts';
import type { JobFacts } from '../job.ts';
import { fits, type Machine } from '../machine.ts';
import type { Case } from './case.ts';
import { closingMsMax, nobodyHereMs } from './policy.ts';
import type { Repute } from './repute.ts';

/** What a job knows of an account: some of its hosts with results in it, and whether it has passed a check there. */
export type Tally = { hosts: HostId[]; hasPassed: boolean };

/** The accounts that no check in the job has passed yet. */
export const unprovenAccounts = (tallies: ReadonlyMap<AccountId, Tally>): AccountId[] =>
  [...tallies]
    .filter(([, { hosts, hasPassed }]) => hosts.length > 0 && !hasPassed)
    .map(([id]) => id);

/** A host that is connected, and at work or asking for some. */
export type Present = Machine & { accountId: AccountId; repute: Repute };

/** Whether anybody who is here could say something of a unit of which these have testified. */
export function canBeChecked(
  job: JobFacts,
  { testimonies }: Pick<Case, 'testimonies'>,
  present: readonly Present[],
): boolean {
  const isDisputed = new Set(testimonies.map(({ answer }) => answer)).size > 1;
  return present.some(
    (host) =>
      !testimonies.some((testimony) => testimony.accountId === host.accountId) &&
      fits(job, host) &&
      (isDisputed ? judges : checkers).has(host.repute),
  );
}

/** For how long after its last unit a job waits for a check that nobody is at work on. */
export const waitsMs = (isCheckable: boolean): number =>
  isCheckable ? closingMsMax : nobodyHereMs;

const judges: ReadonlySet<Repute> = new Set(['anchor', 'trusted']);
const checkers: ReadonlySet<Repute> = new Set(['anchor', 'trusted', 'proven', 'newcomer']);
