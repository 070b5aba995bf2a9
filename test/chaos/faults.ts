/**
 * What goes wrong, and how often: each fault strikes at the time that the seed says, and mends itself later,
 * while the next ones strike. Everything about a fault is drawn before it begins, from a stream of its own,
 * so a seed brings the same faults in the same order however fast the machine is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { ChaosGrid } from './chaos-grid.ts';
import { tornBytesMax } from './chaos-redis.ts';
import type { TcpProxy } from './tcp-proxy.ts';

export type Fault = {
  name: string;
  /** Of a hundred faults about so many are this one. */
  weight: number;
  /** Resolves when it is mended, or when its mending is under way. */
  strike(random: Random): Promise<void>;
};

/** The service manager's pause: none, or as long as somebody needs who is called at night. */
const away = (random: Random) => random.skewed(1, 4000);

/** Those that this grid can be given, and the names of those that this machine cannot make. */
export function faultsOf(
  grid: ChaosGrid,
  workers: readonly string[],
): { faults: Fault[]; left: string[] } {
  const { disk, door, coordinators, ways } = grid;
  const one = (random: Random) => random.pick(coordinators);
  const faults: Fault[] = [
    {
      name: 'coordinator killed',
      weight: 17,
      strike: (random) => grid.strike(one(random).name, 'SIGKILL', away(random)),
    },
    { name: 'Redis killed', weight: 14, strike: (random) => grid.killRedis(away(random)) },
    {
      name: 'all killed, the journal torn',
      weight: 12,
      strike: (random) => grid.killAllAndTear(random.between(1, tornBytesMax), away(random)),
    },
    {
      name: 'worker killed',
      weight: 16,
      strike: (random) => grid.strike(random.pick(workers), 'SIGKILL', away(random)),
    },
    {
      name: 'coordinator drained',
      weight: 4,
      strike: (random) => grid.strike(one(random).name, 'SIGTERM', away(random)),
    },
    {
      name: 'coordinator suspended',
      weight: 4,
      // Up to twice as long as it holds its shards, and as the grid is its own.
      strike: (random) => grid.suspend(one(random).name, random.skewed(100, 15_000)),
    },
    {
      name: 'Redis suspended',
      weight: 4,
      // Beyond the five seconds after which a command's outcome is unknown.
      strike: (random) => grid.suspendRedis(random.skewed(100, 8000)),
    },
    { name: 'connections cut', weight: 5, strike: async () => door.cut() },
    {
      name: 'connections cut in a message',
      weight: 4,
      strike: async (random) => door.cutAfter(random.skewed(1, 5000)),
    },
    {
      name: 'replies lost',
      weight: 4,
      strike: async (random) => door.loseReplies(random.skewed(10, 3000)),
    },
    {
      name: 'connections slow',
      weight: 3,
      strike: (random) =>
        slow((ms) => door.slowDown(ms), random.skewed(10, 800), random.skewed(500, 6000)),
    },
    {
      name: 'connections held',
      weight: 3,
      strike: async (random) => door.hold(random.skewed(100, 8000)),
    },
    {
      name: 'clock set',
      weight: 6,
      // An hour forth or back, at most: a grid whose clock is a week ahead pays holds out early.
      strike: async (random) => {
        const byMs = random.skewed(10, 3_600_000);
        one(random).setClock(random.chance(0.5) ? byMs : -byMs);
      },
    },
  ];
  if (coordinators.length > 1)
    faults.push({
      name: 'all coordinators killed',
      weight: 5,
      strike: async (random) => {
        const awayMs = away(random);
        await Promise.all(coordinators.map(({ name }) => grid.strike(name, 'SIGKILL', awayMs)));
      },
    });
  if (ways.length > 0) faults.push(...faultsOnTheWay(ways));
  if (disk === null) return { faults, left: ['disk full'] };
  faults.push({
    name: 'disk full',
    weight: 6,
    strike: async (random) => {
      const forMs = random.skewed(100, 5000);
      disk.fill();
      await wait(forMs);
      disk.empty();
    },
  });
  return { faults, left: [] };
}

/** Between a coordinator and the Redis that it was given: of several one suffers, and the others do not. */
const faultsOnTheWay = (ways: readonly TcpProxy[]): Fault[] => [
  {
    name: 'way to Redis cut',
    weight: 4,
    strike: async (random) => random.pick(ways).cut(),
  },
  {
    name: 'way to Redis cut in a reply',
    weight: 4,
    strike: async (random) => random.pick(ways).cutAfter(random.skewed(1, 20_000)),
  },
  {
    name: 'replies of Redis lost',
    weight: 5,
    strike: async (random) => random.pick(ways).loseReplies(random.skewed(10, 4000)),
  },
  {
    name: 'way to Redis slow',
    weight: 3,
    strike: (random) => {
      const way = random.pick(ways);
      return slow((ms) => way.slowDown(ms), random.skewed(5, 300), random.skewed(500, 5000));
    },
  },
  {
    name: 'way to Redis held',
    weight: 3,
    strike: async (random) => random.pick(ways).hold(random.skewed(100, 8000)),
  },
];

/** Afterwards nothing is wrong any more but what lasts by itself. */
export function mendAll(grid: ChaosGrid): void {
  const { disk, door, ways, coordinators } = grid;
  disk?.empty();
  for (const proxy of [door, ...ways]) {
    proxy.slowDown(0);
    proxy.hold(0);
  }
  for (const coordinator of coordinators) coordinator.setClock(0);
}

async function slow(by: (ms: number) => void, delayMs: number, forMs: number): Promise<void> {
  by(delayMs);
  await wait(forMs);
  by(0);
}

export function pickFault(faults: readonly Fault[], random: Random): Fault {
  let left = random.fraction() * faults.reduce((sum, { weight }) => sum + weight, 0);
  for (const fault of faults) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  throw new Error('there is no fault to pick');
}
