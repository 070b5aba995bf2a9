/**
 * What may go wrong between processes right now. The faults of a run change the weather; roads and
 * stores look at it each time something travels. Calm weather is what the last part of each run has:
 * then nothing fails, and everything that was begun has to come to its end.
 */
import type { Random } from './random.ts';

/** How a step of the store fares. `late`: given up as lost, and yet it happens, after its repeat perhaps. */
export type Fate = 'well' | 'lost_before' | 'lost_after' | 'late';

export class Weather {
  /** Redis is not there: nothing reaches it, no reply comes back. */
  isRedisDown = false;
  /** Redis is there and refuses writes: its disk is full. */
  isRefusing = false;
  /** The share of steps that are lost on the way, in either direction. */
  lossShare = 0;
  /** The share of queue entries that Redis forgets when they are added. */
  forgottenShare = 0;
  /** When it cleared up for good; null before. */
  calmSince: number | null = null;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  clear(now: number): void {
    this.calmSince = now;
    this.isRedisDown = false;
    this.isRefusing = false;
    this.lossShare = 0;
    this.forgottenShare = 0;
  }

  fate(): Fate {
    if (!this.random.chance(this.lossShare)) return 'well';
    return this.random.pick(['lost_before', 'lost_after', 'late']);
  }

  isForgotten(): boolean {
    return this.random.chance(this.forgottenShare);
  }
}
