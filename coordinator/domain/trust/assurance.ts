/**
 * What a scientist buys: how many accounts must have said the same before a unit is accepted, and
 * what share of the results accepted on one account's word is audited afterwards.
 */
import type { JobDocument } from '../../../protocol/job.ts';

export type Assurance = {
  /** Accounts that must agree before the unit is accepted. */
  accountsToAccept: number;
  /** Share of single results of hosts in good repute that are audited. */
  auditShare: number;
  /** Whether those accounts must also be on networks of their own; elsewhere that is a preference. */
  needsNetworks: boolean;
  /** Whether an anchor must be among them. */
  needsAnchor: boolean;
  /** Whether checks are for trusted hosts only, whoever is checked. */
  needsTrusted: boolean;
};

/**
 * Whether each of a job's results waits for the word of others. Such a job is no further ahead of its checks than
 * they can follow, and until then a result of it is `pending`.
 */
export const isEachChecked = (trust: JobDocument['trust']): boolean => {
  const { auditShare, accountsToAccept } = assurances[trust];
  return auditShare === 1 || accountsToAccept > 1;
};

/** An order is of 128 units at most. With more out than this there are fewer who check than who compute. */
const ordersAheadMax = 64;

/** Whether a job each of whose results is checked has to wait until more of them are. */
export const isAheadOfChecks = (trust: JobDocument['trust'], ordersOut: number): boolean =>
  isEachChecked(trust) && ordersOut >= ordersAheadMax;

const single = { accountsToAccept: 1, needsNetworks: false, needsAnchor: false };

export const assurances: Record<JobDocument['trust'], Assurance> = {
  /** For trying things out: overhead about 3 %, and by the law two and a half times A1's errors. */
  A0: { ...single, auditShare: 0.02, needsTrusted: false },
  /** The default: about 6 %. */
  A1: { ...single, auditShare: 0.05, needsTrusted: false },
  /** Every result is audited by a trusted host after it was recorded: overhead 100 %. */
  A2: { ...single, auditShare: 1, needsTrusted: true },
  /** Three accounts on three networks, one of them an anchor: overhead 200 %. */
  A3: {
    accountsToAccept: 3,
    auditShare: 0,
    needsNetworks: true,
    needsAnchor: true,
    needsTrusted: false,
  },
};
