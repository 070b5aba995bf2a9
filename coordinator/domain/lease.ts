/**
 * A lease is a host's right to some units of one shard until a deadline. It is granted in memory and
 * proved by a token (these facts, sealed), so that any coordinator that shares the secret can
 * take a report under it, also after the one that granted it is gone.
 */
import type { AccountId, HostId, LeaseId } from '../../protocol/ids.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { Shard } from './shard.ts';

/** To whom a lease is granted. Part of what its token seals, but not told in it: the session knows it. */
export type Holder = { hostId: HostId; accountId: AccountId };

/** What the token vouches for. `positions` are positions in the shard, as runs. */
export type LeaseFacts = {
  leaseId: LeaseId;
  hostId: HostId;
  accountId: AccountId;
  shard: Shard;
  positions: UnitRuns;
};

/** 30 s: three renewals at 10 s, so one may be lost and one late. */
export const leaseDurationMs = 30_000;
export const renewEveryMs = 10_000;

/** A secret that seals tokens, and the id by which a token says which. */
export type LeaseKey = { keyId: string; secret: Uint8Array };
