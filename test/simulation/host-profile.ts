/** What kind of host somebody lends: how quick, how large, how honest, how lucky. */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import { accountId, hostId } from '../coordinator/builders.ts';
import type { Random } from './random.ts';
import { memoryBytes } from './sim-job.ts';

export type HostProfile = {
  hostId: HostId;
  accountId: AccountId;
  memoryBytes: number;
  cores: number;
  /** A unit takes this many times as long as on a usual host. */
  slowness: number;
  manners: Manners;
};

/** Shares of its units, or of the moments at which it might. */
export type Manners = {
  /** Runs that the host itself spoils. */
  hostErrorShare: number;
  /** Good units that trap here, as broken memory makes them, never twice in the same way. */
  falseTrapShare: number;
  /** Outputs whose bytes are not those of the digest. */
  damagedShare: number;
  /** Units handed back. */
  releaseShare: number;
  /** Moments at which a report that was answered is sent again. */
  repeatShare: number;
  /** Repeats that say something else than at first. */
  lieShare: number;
  /** Large outputs that are reported before they are uploaded. */
  hastyShare: number;
};

const faultless: Manners = {
  hostErrorShare: 0,
  falseTrapShare: 0,
  damagedShare: 0,
  releaseShare: 0,
  repeatShare: 0,
  lieShare: 0,
  hastyShare: 0,
};

/** What a healthy host does not do. The rest only costs time. */
export const goodManners: Partial<Manners> = {
  hostErrorShare: 0,
  falseTrapShare: 0,
  damagedShare: 0,
};

/** A host without a flaw, of an account of its own unless it is said otherwise. */
export const aHostProfile = (
  number: number,
  parts: Partial<Omit<HostProfile, 'hostId'>> = {},
): HostProfile => ({
  hostId: hostId(number),
  accountId: accountId(number),
  memoryBytes: memoryBytes.big,
  cores: 1,
  slowness: 1,
  manners: faultless,
  ...parts,
});

/** At least two accounts, and one host of each that every job fits: a failure takes two accounts to agree. */
export function hostProfiles(random: Random): HostProfile[] {
  const accounts = random.between(2, 4);
  return Array.from({ length: random.between(accounts, 8) }, (_, i) => ({
    hostId: hostId(i + 1),
    accountId: accountId((i % accounts) + 1),
    memoryBytes: i < accounts || random.chance(0.5) ? memoryBytes.big : memoryBytes.usual,
    cores: random.between(1, 4),
    slowness: random.skewed(1, 3),
    manners: {
      hostErrorShare: random.pick([0, 0, 0.02, 0.2]),
      falseTrapShare: random.pick([0, 0, 0, 0.1]),
      damagedShare: random.pick([0, 0, 0, 0.05]),
      releaseShare: random.pick([0, 0, 0.1]),
      repeatShare: random.pick([0, 0.1, 0.5]),
      lieShare: random.pick([0, 0.3]),
      hastyShare: random.pick([0, 0.5]),
    },
  }));
}
