/**
 * Clocks and waiting. All four clocks are the one that fuel drives (see `world.ts`): the real-time
 * one counts from a fixed date, the others from the run's beginning. Waiting takes no time: when
 * nothing is ready, the clock is moved to the earliest moment that was waited for.
 */
import { cost } from '../cost.ts';
import { errno, refuse } from '../errno.ts';
import { rights } from '../rights.ts';
import { elapsedNs, epochNs, nowNs, spend, type World } from '../world.ts';

const clocks = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;
/** The two calls of two looks cost a thousand fuel: a finer step than this would be a boast. */
const resolutionNs = 1000n;

export const clockCalls = (world: World) => ({
  clock_res_get(clock: number, result: number) {
    checkClock(clock);
    world.memory.setU64(result, resolutionNs);
  },
  clock_time_get(clock: number, _precision: bigint, result: number) {
    checkClock(clock);
    world.memory.setU64(result, readClock(world, clock));
  },

  poll_oneoff(subscriptions: number, events: number, count: number, result: number) {
    const length = count >>> 0;
    if (length === 0 || length > subscriptionsMax) refuse(errno.invalid);
    world.memory.slot(subscriptions, length * subscriptionBytes);
    world.memory.slot(events, length * eventBytes);
    world.memory.slot(result, 4);
    const waits = Array.from({ length }, (_, i) =>
      readWait(world, subscriptions + i * subscriptionBytes),
    );
    // The library's own buffers may overlap: nothing is written before all has been read.
    const ready = waits.filter((wait) => wait.dueNs === null);
    const happened = ready.length > 0 ? ready : sleepUntilFirst(world, waits);
    for (const [i, wait] of happened.entries()) writeEvent(world, events + i * eventBytes, wait);
    world.memory.setU32(result, happened.length);
  },
});

function checkClock(clock: number): void {
  if (clock >>> 0 > clocks.threadCpu) refuse(errno.invalid);
}

const readClock = (world: World, clock: number): bigint =>
  clock === clocks.realtime ? nowNs(world) : elapsedNs(world);

/** Libraries wait for a handful; it bounds the work of one call. */
const subscriptionsMax = 4096;
const subscriptionBytes = 48;
const eventBytes = 32;
const clockSubscription = 0;
const readSubscription = 1;
const writeSubscription = 2;
const absoluteTime = 1;

interface Wait {
  userData: bigint;
  kind: number;
  error: number;
  /** Null when it has happened already; else the moment, since the run began. */
  dueNs: bigint | null;
  bytesReady: bigint;
}

function readWait(world: World, at: number): Wait {
  spend(world, cost.record);
  const wait: Wait = {
    userData: world.memory.u64(at),
    kind: world.memory.u8(at + 8),
    error: errno.success,
    dueNs: null,
    bytesReady: 0n,
  };
  if (wait.kind === clockSubscription) waitForClock(world, at, wait);
  else if (wait.kind === readSubscription || wait.kind === writeSubscription)
    waitForDescriptor(world, at, wait);
  else wait.error = errno.invalid;
  return wait;
}

function waitForClock(world: World, at: number, wait: Wait): void {
  const clock = world.memory.u32(at + 16);
  const timeoutNs = world.memory.u64(at + 24);
  const isAbsolute = (world.memory.u16(at + 40) & absoluteTime) !== 0;
  if (clock > clocks.threadCpu) wait.error = errno.invalid;
  else if (!isAbsolute) wait.dueNs = elapsedNs(world) + timeoutNs;
  else wait.dueNs = clock === clocks.realtime ? timeoutNs - epochNs : timeoutNs;
}

/** A read or write never blocks here, so a descriptor is ready as soon as it is asked for. */
function waitForDescriptor(world: World, at: number, wait: Wait): void {
  const descriptor = world.state.descriptors[world.memory.u32(at + 16)] ?? null;
  if (descriptor === null) wait.error = errno.badDescriptor;
  else if ((descriptor.rights & rights.poll) === 0n) wait.error = errno.notCapable;
  else if (wait.kind === writeSubscription || descriptor.kind === 'directory') wait.bytesReady = 1n;
  else if (descriptor.kind === 'stdin')
    wait.bytesReady = BigInt(world.state.stdin.bytes.length - world.state.stdin.position);
  else if (descriptor.kind === 'file')
    wait.bytesReady = BigInt(Math.max(0, descriptor.file.size - descriptor.position));
}

/** The waits that are due by the time the first of them is. */
function sleepUntilFirst(world: World, waits: Wait[]): Wait[] {
  let aheadNs = waits[0]?.dueNs ?? 0n;
  for (const { dueNs } of waits) if (dueNs !== null && dueNs < aheadNs) aheadNs = dueNs;
  aheadNs -= elapsedNs(world);
  if (aheadNs > 0n) world.state.sleptNs += aheadNs;
  const now = elapsedNs(world);
  return waits.filter(({ dueNs }) => dueNs !== null && dueNs <= now);
}

function writeEvent(world: World, at: number, wait: Wait): void {
  world.memory.bytes(at, eventBytes).fill(0);
  world.memory.setU64(at, wait.userData);
  world.memory.setU16(at + 8, wait.error);
  world.memory.setU8(at + 10, wait.kind);
  world.memory.setU64(at + 16, wait.bytesReady);
}
