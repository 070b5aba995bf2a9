/**
 * Units whose leases ended without a word. Mostly a laptop was closed; but a unit may also be what took its
 * hosts down, and it would go on to the next one for ever. After two losses a unit is suspect and goes
 * out alone, so that the next loss tells; lost alone eight times, with hosts of three accounts, it has
 * had as many tries as any unit gets (unit.ts), and is given up.
 *
 * In memory: a coordinator that starts anew counts anew.
 */
import type { AccountId } from '../../protocol/ids.ts';
import { replicasMax } from './unit.ts';

const lossesToSuspect = 2;
/** Two might be one person's. */
const accountsMin = 3;

type Loss = { total: number; alone: number; accounts: Set<AccountId> };

export class Losses {
  private readonly losses = new Map<number, Loss>();

  get isEmpty(): boolean {
    return this.losses.size === 0;
  }

  /** `isAlone`: it was the only unit left of its lease. */
  lost(position: number, accountId: AccountId, isAlone: boolean): void {
    const loss = this.losses.get(position) ?? { total: 0, alone: 0, accounts: new Set() };
    this.losses.set(position, loss);
    loss.total++;
    if (!isAlone) return;
    loss.alone++;
    loss.accounts.add(accountId);
  }

  decided(position: number): void {
    this.losses.delete(position);
  }

  /** Whether it is to go out alone. */
  isSuspect(position: number): boolean {
    return (this.losses.get(position)?.total ?? 0) >= lossesToSuspect;
  }

  isHopeless(position: number): boolean {
    const { alone = 0, accounts } = this.losses.get(position) ?? {};
    return alone >= replicasMax && (accounts?.size ?? 0) >= accountsMin;
  }

  get hopeless(): number[] {
    return [...this.losses.keys()].filter((position) => this.isHopeless(position));
  }
}

export const lostReason = `${replicasMax} hosts were lost, each with this unit alone in its lease`;
