/** A host that asks for units, as the window sees it. */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { Capacity } from './capacities.ts';
import type { Machine } from './machine.ts';
import type { Standing } from './trust/known-hosts.ts';

export type Asker = Machine & {
  hostId: HostId;
  accountId: AccountId;
  /** Whether no host of another account is connected: then nothing rests for this one. */
  isAlone: boolean;
  /** How many hosts are connected, this one included. */
  hosts: number;
  capacity: Capacity;
};
/** With what is known of it, which says which checks it may have. */
export type KnownAsker = Asker & { standing: Standing };
