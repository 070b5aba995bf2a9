/** Everything that the parts of one simulated grid share. */
import type { ClearingTimes } from '../../coordinator/flow/clear-artifacts/times.ts';
import type { GridFacts } from '../../coordinator/store/grid-store.ts';
import { MemoryArtifacts } from './memory-artifacts.ts';
import { Notebook } from './notebook.ts';
import type { Random } from './random.ts';
import { ShardBroker } from './shard-broker.ts';
import { SimClock } from './sim-clock.ts';
import type { SimJob } from './sim-job.ts';
import { Violations } from './violations.ts';
import { Weather } from './weather.ts';
import { Witness } from './witness.ts';

/**
 * Days in small, so that most outputs are aside before they are reported. But a report waits for the longest faults, some
 * of them one after the other, before it is recorded: so long what is aside stays.
 */
export const clearing: ClearingTimes = { everyMs: 5000, graceMs: 2000, restMs: 150_000 };

/** Any time will do, as long as it is the same. */
const startMs = 1_700_000_000_000;

export type World = {
  clock: SimClock;
  random: Random;
  weather: Weather;
  violations: Violations;
  grid: GridFacts;
  /** Where the grid is kept. */
  store: Witness;
  broker: ShardBroker;
  artifacts: MemoryArtifacts;
  notebook: Notebook;
  jobs: readonly SimJob[];
  /** Whether coordinators look for others. */
  isShared: boolean;
  /** Says what happens, for whoever reads the story. A function is called only for a reader. */
  trace(who: string, what: string | (() => string)): void;
};

/** Hears what happens, line by line. */
export type Tell = (line: string) => void;

export function makeWorld(
  random: Random,
  jobs: readonly SimJob[],
  partitions: number,
  tell: Tell | null,
  isShared = true,
): World {
  const clock = new SimClock(startMs);
  const violations = new Violations();
  return {
    clock,
    random,
    violations,
    jobs,
    isShared,
    weather: new Weather(random.fork('weather')),
    grid: { gridId: 'a grid', partitions, createdAt: startMs },
    store: new Witness(jobs, violations, () => clock.now),
    broker: new ShardBroker(partitions),
    artifacts: new MemoryArtifacts(() => clock.now, clearing.graceMs / 2),
    notebook: new Notebook(violations),
    trace: (who, what) => {
      if (tell === null) return;
      const seconds = ((clock.now - startMs) / 1000).toFixed(3).padStart(8);
      tell(`${seconds} s  ${who} ${typeof what === 'string' ? what : what()}`);
    },
  };
}
