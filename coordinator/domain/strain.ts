/**
 * How much more a coordinator has to do than it can: judged by how long whoever asks is kept waiting, looked at twice
 * a second. A round trip for a lease should take 50 ms at most, for 99 in 100.
 *
 *   calm ──── 250 ms ────► tight ──── 500 ms ────► strained                  (twice that for commits)
 *   everybody is served    no newcomers            no leases either; results are taken all the same
 *
 * So whoever is here and computes comes before whoever is new, and what was computed before what could be. It rises when
 * two looks in a row say so, because one long pause is nothing that refusals would mend; and falls when four in a row
 * are below half of that, because it was less to do for having refused.
 */
export type Strain = 'calm' | 'tight' | 'strained';

/** In ms: how late the event loop comes to what is due, and how long reports wait for the disk. */
export type Waits = { loopMs: number; commitMs: number };

/** Five and ten times what a round trip should take: hosts that have work in hand do not feel less. */
const tightMs = 250;
const strainedMs = 500;
/** A disk may be slow without having too much to do: 76 ms for an fsync were measured. Nobody but reports waits for it. */
const commitWeight = 1 / 2;
const risingLooks = 2;
const fallingLooks = 4;

export class StrainGauge {
  private readonly last: number[] = [];
  private now: Strain = 'calm';

  get level(): Strain {
    return this.now;
  }

  look({ loopMs, commitMs }: Waits): Strain {
    this.last.push(Math.max(loopMs, commitMs * commitWeight));
    if (this.last.length > fallingLooks) this.last.shift();
    const [least, most] = [
      Math.min(...this.last.slice(-risingLooks)),
      Math.max(...this.last.slice(-fallingLooks)),
    ];
    const risen = this.last.length < risingLooks ? 'calm' : levelOf(least, 1);
    this.now = higher(risen, lower(this.now, levelOf(most, 2)));
    return this.now;
  }
}

/** Those who are sent away at once do not come back at once: 2 to 6 s, so twice at most until it can have fallen. */
export const strainedAgainMs = (random: number): number => Math.round(2000 + 4000 * random);

/** 0 for calm, and on. */
export const strainNumber = (level: Strain): number => levels.indexOf(level);

const levels: readonly Strain[] = ['calm', 'tight', 'strained'];

const levelOf = (waitMs: number, times: number): Strain => {
  if (waitMs * times >= strainedMs) return 'strained';
  return waitMs * times >= tightMs ? 'tight' : 'calm';
};
const higher = (a: Strain, b: Strain): Strain => (strainNumber(a) > strainNumber(b) ? a : b);
const lower = (a: Strain, b: Strain): Strain => (strainNumber(a) < strainNumber(b) ? a : b);
