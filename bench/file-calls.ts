/**
 * Nanoseconds that the sandbox's WASI takes for 64 bytes of a file: to write them, to read them, and to
 * append them to a file that has grown to a tenth, and to all, of its final 6 MB. The calls are made
 * from here, as a kernel would make them; the way out of WebAssembly, some 20 ns, is not in it.
 */
import { wasiImports } from '../worker/sandbox/wasi/imports.ts';
import { openWorld } from '../worker/sandbox/wasi/world.ts';

export type FileCallNs = { write: number; read: number; appendEarly: number; appendLate: number };

const calls = 100_000;
const tenth = calls / 10;
/** The fastest of them: in the first ones V8 compiles. */
const turns = 12;
const bytes = 64;
/** Where things lie in the memory that the calls see. */
const at = { path: 0, opened: 8, vector: 16, done: 24, data: 64 };
const preopened = 3;
const mayAll = 0x1fff_ffffn;
const flags = { create: 1, append: 1 };

export function measureFileCalls(): FileCallNs {
  const best = { write: Infinity, read: Infinity, appendEarly: Infinity, appendLate: Infinity };
  for (let turn = 0; turn < turns; turn++) {
    const { append, pwrite, pread } = openFile();
    const now = {
      appendEarly: nsPerCall(tenth, append),
      middle: nsPerCall(calls - 2 * tenth, append),
      appendLate: nsPerCall(tenth, append),
      write: nsPerCall(calls, pwrite),
      read: nsPerCall(calls, pread),
    };
    for (const key of Object.keys(best) as (keyof FileCallNs)[])
      best[key] = Math.min(best[key], now[key]);
  }
  return best;
}

function nsPerCall(count: number, call: (nth: number) => unknown): number {
  const began = performance.now();
  for (let nth = 0; nth < count; nth++)
    if (call(nth) !== 0) throw new Error('A call of WASI failed.');
  return ((performance.now() - began) * 1e6) / count;
}

/** In a world of its own, with nothing in it. */
function openFile() {
  const world = openWorld({
    args: [],
    env: {},
    stdin: new Uint8Array(),
    fuelMax: Number.MAX_SAFE_INTEGER,
    outputBytesMax: 2 * calls * bytes,
    seed: 0n,
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  world.memory.attach(memory);
  world.fuel = { value: world.fuelMax };
  const view = new DataView(memory.buffer);
  view.setUint8(at.path, 'f'.charCodeAt(0));
  view.setUint32(at.vector, at.data, true);
  view.setUint32(at.vector + 4, bytes, true);
  const imports = wasiImports(world) as Record<string, (...args: (number | bigint)[]) => unknown>;
  const call = (name: string, ...args: (number | bigint)[]) => imports[name]?.(...args);
  call(
    'path_open',
    preopened,
    0,
    at.path,
    1,
    flags.create,
    mayAll,
    mayAll,
    flags.append,
    at.opened,
  );
  const file = view.getUint32(at.opened, true);
  const place = (nth: number) => BigInt(nth * bytes);
  return {
    append: () => call('fd_write', file, at.vector, 1, at.done),
    pwrite: (nth: number) => call('fd_pwrite', file, at.vector, 1, place(nth), at.done),
    pread: (nth: number) => call('fd_pread', file, at.vector, 1, place(nth), at.done),
  };
}
