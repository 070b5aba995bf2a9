/**
 * One run of a whole grid, from one seed: coordinators, hosts and a scientist, first in bad weather,
 * then in calm. Everything but them is the real code: domain, flow, rounds, and the engine that ties
 * them together. No clock, no socket and no chance but the seed's, so a seed is a story that can be
 * told again: SIM_SEED=… npx vitest run test/simulation
 */
import { startFaults } from './faults.ts';
import { playToFinality } from './finality.ts';
import { hostProfiles } from './host-profile.ts';
import { Random } from './random.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import { SimGrid } from './sim-grid.ts';
import { SimHost } from './sim-host.ts';
import { randomJob } from './sim-job.ts';
import { makeWorld, type Tell } from './world.ts';

export type Story = {
  /** The first broken promise; null when all were kept. */
  violation: string | null;
  events: number;
  simulatedMs: number;
  canonical: number;
  failed: number;
  /** Replicas that were told a verdict. */
  told: number;
  /** Of those, how many had been computed for nothing. */
  notNeeded: number;
  /** Of those, how many were paid when their unit was final. */
  latePaid: number;
};

/** `tell` hears what happens, line by line. With `months`, also what becomes of it until all is final. */
export async function simulate(
  seed: bigint,
  tell: Tell | null = null,
  months = false,
): Promise<Story> {
  const random = new Random(seed);
  const badWeatherMs = random.between(10_000, 60_000);
  const jobs = Array.from({ length: random.pick([1, 1, 2, 3, 4]) }, (_, number) =>
    randomJob(number, random, badWeatherMs),
  );
  const [partitions, count] = [random.pick([1, 1, 2]), random.between(1, 3)];
  const isShared = count > 1 || random.chance(0.3);
  const world = makeWorld(random, jobs, partitions, tell, isShared);
  const coordinators = Array.from(
    { length: count },
    (_, i) => new SimCoordinator(`coordinator ${'ABC'[i]}`, world),
  );
  const hosts = hostProfiles(random).map((profile) => new SimHost(profile, coordinators, world));
  const grid = new SimGrid(world, coordinators, hosts);

  for (const coordinator of coordinators) coordinator.start();
  for (const host of hosts) {
    world.clock.after(random.between(0, badWeatherMs / 2), () => host.start());
  }
  grid.scientist.start();
  grid.curious.start();
  startFaults(world, coordinators, hosts, badWeatherMs);
  await grid.playFor(badWeatherMs);

  world.trace('weather', 'clears');
  world.weather.clear(world.clock.now);
  for (const machine of [...coordinators, ...hosts]) machine.recover();
  await grid.playToTheEnd();
  if (months && world.violations.first === null) await playToFinality(grid);
  return storyOf(grid);
}

function storyOf({ world, events }: SimGrid): Story {
  const { clock, grid, notebook, store, violations } = world;
  const decisions = [...store.units.values()].flatMap((units) =>
    [...units.values()].map(({ decision }) => decision?.kind),
  );
  const verdicts = [...notebook.all].map(({ verdict }) => verdict);
  return {
    violation: violations.first,
    events,
    simulatedMs: Math.round(clock.now - grid.createdAt),
    canonical: decisions.filter((kind) => kind === 'accepted').length,
    failed: decisions.filter((kind) => kind === 'failed').length,
    told: verdicts.length,
    latePaid: store.latePaid,
    notNeeded: verdicts.filter((verdict) => verdict === 'not_needed').length,
  };
}
