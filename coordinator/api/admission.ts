/**
 * Who may connect: so many sessions as one process serves well, so many of one network, and fewer that have
 * not said who they are. A stranger with one address cannot take all the seats, and whoever comes when all are taken is
 * told when to come again, which costs less than to serve everybody badly.
 *
 * A network is what one household or one small hoster has (domain/trust/network.ts). Private addresses have none: behind
 * a proxy that does not say for whom it asks, everybody would be one.
 */
import { GridError } from '../../protocol/errors.ts';
import { Tries } from '../domain/tries.ts';
import { networkOf } from '../domain/trust/network.ts';

export type AdmissionLimits = {
  sessions: number;
  sessionsPerNetwork: number;
  strangers: number;
  strangersPerNetwork: number;
  newcomersPerNetwork: number;
};

export const admissionLimits: AdmissionLimits = {
  /** Ten thousand hosts were measured on one process; each is an open file, of which systems allow some ten thousand. */
  sessions: 16_384,
  /** A lecture hall, or a school, behind one address. */
  sessionsPerNetwork: 1024,
  /** A hello takes two round trips: with 200 ms each these are five thousand that join a second. */
  strangers: 2048,
  /** A lecture hall that opens its laptops at once: the others come a moment later. */
  strangersPerNetwork: 128,
  /**
   * In an hour. A key costs nothing, and a host that has reported is a kilobyte of Redis for good. Twice as many as may be
   * connected at once; of a mobile carrier, whose hosts share addresses, one every two seconds.
   */
  newcomersPerNetwork: 2048,
};

const hourMs = 3_600_000;

/** A network's and everybody's. */
type Count = { sessions: number; strangers: number };

/** Of one session; to be left once. */
export type Seat = { welcomed(): void; left(): void };

export class Admission {
  private readonly limits: AdmissionLimits;
  private readonly all: Count = { sessions: 0, strangers: 0 };
  private readonly byNetwork = new Map<string, Count>();
  private readonly newcomers: Tries;

  constructor(limits: AdmissionLimits = admissionLimits) {
    this.limits = limits;
    this.newcomers = new Tries(limits.newcomersPerNetwork, hourMs);
  }

  /** Whether a host of this network is welcome that the grid does not know yet. */
  takesNewcomer(network: string | null, now: number): boolean {
    return network === null || this.newcomers.take(network, now) === null;
  }

  /** Why nobody from this address is let in at the moment; null when there is room. */
  refusal(address: string): GridError | null {
    const { sessions, sessionsPerNetwork, strangers, strangersPerNetwork } = this.limits;
    const { all } = this;
    const network = networkOf(address);
    const near = (network === null ? undefined : this.byNetwork.get(network)) ?? nobody;
    if (all.strangers >= strangers || near.strangers >= strangersPerNetwork)
      return new GridError('crowded', '', { retryAfterMs: strangersAgainMs });
    if (all.sessions >= sessions || near.sessions >= sessionsPerNetwork)
      return new GridError('crowded', '', { retryAfterMs: sessionsAgainMs });
    return null;
  }

  enter(address: string): Seat {
    const network = networkOf(address);
    const counts = [this.all, ...(network === null ? [] : [this.countOf(network)])];
    for (const count of counts) {
      count.sessions++;
      count.strangers++;
    }
    let isStranger = true;
    const known = () => {
      if (isStranger) for (const count of counts) count.strangers--;
      isStranger = false;
    };
    return {
      welcomed: known,
      left: () => {
        known();
        for (const count of counts) count.sessions--;
        if (network !== null && counts[1]?.sessions === 0) this.byNetwork.delete(network);
      },
    };
  }

  private countOf(network: string): Count {
    const known = this.byNetwork.get(network);
    if (known !== undefined) return known;
    const count = { sessions: 0, strangers: 0 };
    this.byNetwork.set(network, count);
    return count;
  }
}

const nobody: Count = { sessions: 0, strangers: 0 };
/** Those who say hello are through in a second or two. */
const strangersAgainMs = 5000;
/** A seat comes free when a host leaves. */
const sessionsAgainMs = 60_000;
