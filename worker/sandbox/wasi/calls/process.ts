/** Calls about the program itself: arguments, environment, its end, and randomness. */
import { cost } from '../cost.ts';
import { Ending } from '../ending.ts';
import { errno, refuse } from '../errno.ts';
import { fillRandom } from '../random.ts';
import { spend, spendOnBytes, type World } from '../world.ts';

export const processCalls = (world: World) => ({
  args_sizes_get: (count: number, bytes: number) =>
    tellSizes(world, world.state.args, count, bytes),
  args_get: (pointers: number, buffer: number) =>
    tellStrings(world, world.state.args, pointers, buffer),
  environ_sizes_get: (count: number, bytes: number) =>
    tellSizes(world, world.state.env, count, bytes),
  environ_get: (pointers: number, buffer: number) =>
    tellStrings(world, world.state.env, pointers, buffer),

  random_get(pointer: number, length: number) {
    const target = world.memory.bytes(pointer, length);
    spend(world, target.length * cost.randomByte);
    fillRandom(world.state.random, target);
  },

  /** There is nothing else to run. */
  sched_yield() {},
  proc_exit(code: number) {
    throw new Ending({ kind: 'exit', code: code >>> 0 });
  },
  /** There is nobody to signal, and no handler a kernel could have set. */
  proc_raise() {
    refuse(errno.notSupported);
  },
});

const bytesOf = (strings: Uint8Array[]): number =>
  strings.reduce((total, string) => total + string.length, 0);

function tellSizes(world: World, strings: Uint8Array[], count: number, bytes: number): void {
  world.memory.slot(bytes, 4);
  world.memory.setU32(count, strings.length);
  world.memory.setU32(bytes, bytesOf(strings));
}

function tellStrings(world: World, strings: Uint8Array[], pointers: number, buffer: number): void {
  const bytes = bytesOf(strings);
  let pointer = world.memory.slot(pointers, strings.length * 4);
  let at = world.memory.slot(buffer, bytes);
  spendOnBytes(world, bytes);
  for (const string of strings) {
    world.memory.setU32(pointer, at);
    world.memory.set(at, string);
    pointer += 4;
    at += string.length;
  }
}
