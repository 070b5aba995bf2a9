/**
 * A kernel's place taken by the test: memory of its own, WASI's calls on a fresh world, and the few
 * lines of library that turn them into something a test can say.
 */
import { placeInputs } from '../../../../worker/sandbox/files.ts';
import { errno } from '../../../../worker/sandbox/wasi/errno.ts';
import { wasiImports } from '../../../../worker/sandbox/wasi/imports.ts';
import { openWorld, type World } from '../../../../worker/sandbox/wasi/world.ts';
import { aRun } from '../a-kernel.ts';

export const root = 3;
export const flag = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const;
export const allRights = (1n << 28n) - 1n;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const pathAt = 1024;
const otherPathAt = 8192;
const listAt = 0;
const answerAt = 64;
const bufferAt = 16_384;

export interface Guest {
  world: World;
  memory: WebAssembly.Memory;
  call(name: string, ...args: (number | bigint)[]): number;
  open(path: string, flags?: number, options?: { follow?: boolean; append?: boolean }): number;
  write(descriptor: number, content: string): number;
  read(descriptor: number, length?: number): string;
  /** A call on one path below the root: `path_unlink_file` and its like. */
  onPath(name: string, path: string): number;
  onTwoPaths(name: string, path: string, other: string): number;
  symlink(target: string, path: string): number;
  list(descriptor: number, bytes?: number): string[];
}

export function aGuest(files: Record<string, string> = {}): Guest {
  const world = openWorld(aRun({ fuelMax: Number.MAX_SAFE_INTEGER }));
  const memory = new WebAssembly.Memory({ initial: 1 });
  world.memory.attach(memory);
  const encoder = new TextEncoder();
  const inputs = Object.entries(files).map(([path, text]) => [path, encoder.encode(text)]);
  placeInputs(world.state.files, Object.fromEntries(inputs), []);
  const imports = wasiImports(world);
  const view = () => new DataView(memory.buffer);

  const call: Guest['call'] = (name, ...args) => {
    const found = imports[name];
    if (found === undefined) throw new Error(`no call ${name}`);
    return Number(found(...(args as never[])));
  };
  const put = (text: string, at = pathAt): [number, number] => {
    const bytes = encoder.encode(text);
    new Uint8Array(memory.buffer).set(bytes, at);
    return [at, bytes.length];
  };
  const orThrow = (error: number): number => {
    if (error === errno.success) return view().getUint32(answerAt, true);
    throw new WasiError(error);
  };
  const buffer = (length: number) => {
    view().setUint32(listAt, bufferAt, true);
    view().setUint32(listAt + 4, length, true);
  };
  const onTwoPaths: Guest['onTwoPaths'] = (name, path, other) => {
    const lookup = name === 'path_link' ? [0] : [];
    return call(name, root, ...lookup, ...put(path), root, ...put(other, otherPathAt));
  };

  return {
    world,
    memory,
    call,
    open(path, flags = 0, { follow = true, append = false } = {}) {
      const rights = path.endsWith('/') || flags & flag.directory ? allRights & ~64n : allRights;
      const [at, length] = put(path);
      const [lookup, mode] = [follow ? 1 : 0, append ? 1 : 0];
      return orThrow(
        call('path_open', root, lookup, at, length, flags, rights, allRights, mode, answerAt),
      );
    },
    write(descriptor, content) {
      const [, length] = put(content, bufferAt);
      buffer(length);
      return orThrow(call('fd_write', descriptor, listAt, 1, answerAt));
    },
    read(descriptor, length = 1000) {
      buffer(length);
      const moved = orThrow(call('fd_read', descriptor, listAt, 1, answerAt));
      return new TextDecoder().decode(new Uint8Array(memory.buffer, bufferAt, moved));
    },
    onPath: (name, path) => call(name, root, ...put(path)),
    onTwoPaths,
    symlink: (target, path) => {
      const [at, length] = put(target, otherPathAt);
      return call('path_symlink', at, length, root, ...put(path));
    },
    list(descriptor, bytes = 200) {
      const names: string[] = [];
      let cookie = 0n;
      for (;;) {
        const used = orThrow(call('fd_readdir', descriptor, bufferAt, bytes, cookie, answerAt));
        let at = bufferAt;
        while (at + 24 <= bufferAt + used) {
          const length = view().getUint32(at + 16, true);
          if (at + 24 + length > bufferAt + used) break;
          cookie = view().getBigUint64(at, true);
          names.push(utf8.decode(new Uint8Array(memory.buffer, at + 24, length)));
          at += 24 + length;
        }
        if (used < bytes) return names;
      }
    },
  };
}

export class WasiError extends Error {
  constructor(code: number) {
    super(Object.entries(errno).find(([, number]) => number === code)?.[0] ?? `errno ${code}`);
  }
}
