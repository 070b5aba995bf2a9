/**
 * What goes wrong in a run, and when. Each seed has some kinds of fault and not others (swarm testing:
 * Groce et al., ISSTA 2012): a run with every fault at once never gets far enough to show what a few
 * of them do together.
 */
import type { Random } from './random.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimHost } from './sim-host.ts';
import type { World } from './world.ts';

type Fault = {
  /** Mean time between two of them. */
  everyMs: number;
  strike(): void;
};

export function startFaults(
  world: World,
  coordinators: readonly SimCoordinator[],
  hosts: readonly SimHost[],
  forMs: number,
): void {
  const { clock, weather } = world;
  const untilMs = clock.now + forMs;
  const random = world.random.fork('faults');
  for (const fault of swarm(world, coordinators, hosts, random)) {
    const next = () => {
      // Exponential: like failures of machines that know nothing of each other.
      const inMs = -Math.log(1 - random.fraction()) * fault.everyMs;
      if (clock.now + inMs >= untilMs) return;
      clock.after(inMs, () => {
        fault.strike();
        next();
      });
    };
    next();
  }
  if (random.chance(0.5)) weather.lossShare = random.skewed(0.001, 0.1);
  if (random.chance(0.3)) weather.forgottenShare = 0.2;
}

function swarm(
  world: World,
  coordinators: readonly SimCoordinator[],
  hosts: readonly SimHost[],
  random: Random,
): Fault[] {
  const { clock, weather } = world;
  const host = () => random.pick(hosts);
  const coordinator = () => random.pick(coordinators);
  const faults: Fault[] = [
    {
      everyMs: 10_000,
      strike: () => {
        const victim = coordinator();
        victim.crash();
        clock.after(random.skewed(100, 30_000), () => victim.start());
      },
    },
    { everyMs: 12_000, strike: () => coordinator().stall(random.skewed(100, 40_000)) },
    {
      everyMs: 20_000,
      strike: () => {
        const leaver = coordinator();
        leaver.leave();
        clock.after(random.skewed(100, 30_000), () => leaver.start());
      },
    },
    {
      everyMs: 15_000,
      strike: () => {
        world.trace('redis', 'is down');
        weather.isRedisDown = true;
        clock.after(random.skewed(50, 12_000), () => {
          world.trace('redis', 'is back');
          weather.isRedisDown = false;
        });
      },
    },
    {
      everyMs: 15_000,
      strike: () => {
        world.trace('redis', 'refuses to write');
        weather.isRefusing = true;
        clock.after(random.skewed(100, 20_000), () => {
          world.trace('redis', 'writes again');
          weather.isRefusing = false;
        });
      },
    },
    {
      everyMs: 5000,
      strike: () => {
        const victim = host();
        victim.crash(random.chance(0.6));
        clock.after(random.skewed(100, 60_000), () => victim.start());
      },
    },
    { everyMs: 8000, strike: () => host().sleep(random.skewed(100, 90_000)) },
    { everyMs: 5000, strike: () => host().loseNetwork() },
    { everyMs: 6000, strike: () => host().hangUp() },
  ];
  return faults.filter(() => random.chance(0.5));
}
