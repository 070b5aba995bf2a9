/**
 * How many units to ask for. Enough that no core waits while a lease travels, few enough that units
 * do not lie here while another host has nothing: about 10 s of work in hand.
 *
 * It starts small: as long as nothing is known of a job's units there is one for each core, and
 * then never more in hand than half of what was finished. A first short unit promises nothing; and
 * of two hosts that find a short job, the one that is a second ahead does not take it all.
 */
import { limits } from '../protocol/limits.ts';

/** Bridges a restart of the coordinator and the reconnection without an idle core. */
const inHandMsTarget = 10_000;
/** Work in hand beyond this is handed back: the units turned out longer than those before them. */
const inHandMsMax = 60_000;
/** Up to here one spare unit waits for the first core that is free; above, a core that asks when it
 *  is free loses less than 0.2 % to the round trip, and a spare would wait half a minute. */
const spareUnitMsMax = 60_000;

export interface Hand {
  cores: number;
  /** Units that run or are about to. */
  inHand: number;
  /** Units finished since the worker began. */
  finished: number;
  /** How long a unit takes on one core, by what was seen lately; null when nothing was. */
  unitMs: number | null;
}

/** Units to ask for now; 0 when enough is in hand. */
export function unitsToWant({ cores, inHand, finished, unitMs }: Hand): number {
  const target = targetUnits(cores, finished, unitMs);
  // Asking at half keeps messages few and large; below one a core, it cannot wait.
  if (inHand > Math.max(cores, target / 2) || inHand >= target) return 0;
  return Math.min(target - inHand, limits.unitsPerWantMax);
}

function targetUnits(cores: number, finished: number, unitMs: number | null): number {
  if (unitMs === null) return cores;
  const byTime = Math.ceil((cores * inHandMsTarget) / Math.max(unitMs, 0.01));
  const spare = unitMs <= spareUnitMsMax ? 1 : 0;
  const byTrust = cores + Math.ceil(finished / 2);
  return Math.max(cores + spare, Math.min(byTime, byTrust, limits.unitsPerWantMax * 2));
}

/** How many of the units not started to hand back, given how long each of them takes. */
export function unitsToHandBack(cores: number, unstarted: number, unitMs: number): number {
  if (unstarted * unitMs <= inHandMsMax * cores) return 0;
  return Math.max(0, unstarted - Math.max(cores, Math.floor((inHandMsTarget * cores) / unitMs)));
}

/**
 * How long units take, by job, as an exponential average: the last five or so count. The first unit
 * of a job sets it.
 */
export class UnitTimes {
  private readonly byJob = new Map<string, number>();
  private recent: number | null = null;

  observe(jobId: string, wallMs: number): void {
    const known = this.byJob.get(jobId);
    this.byJob.set(jobId, known === undefined ? wallMs : known + (wallMs - known) / 5);
    this.recent = this.recent === null ? wallMs : this.recent + (wallMs - this.recent) / 5;
  }

  ofJob(jobId: string): number | null {
    return this.byJob.get(jobId) ?? null;
  }

  /** Over all jobs. */
  get lately(): number | null {
    return this.recent;
  }

  /** Forgets jobs that are not among these. */
  keep(jobIds: ReadonlySet<string>): void {
    for (const jobId of this.byJob.keys()) if (!jobIds.has(jobId)) this.byJob.delete(jobId);
  }
}
