/**
 * What the unit asks for: the arguments and the environment, both filled in from the job document.
 *
 *   // "args": ["--exponent", "{p}", "--quick"]
 *   const p = wholeOption("--exponent");
 *   const quick = flag("--quick");
 *
 * A missing or malformed option ends the kernel with code 2 and a sentence, so that a wrong
 * document fails its first unit with a reason instead of computing something else.
 */
import { fail } from './output';
import { args_get, args_sizes_get, environ_get, environ_sizes_get } from './wasi_snapshot_preview1';

/** All arguments; the first is the name of the kernel. */
export function args(): string[] {
  const sizes = memory.data(8);
  args_sizes_get(sizes, sizes + 4);
  const list = new StringList(sizes);
  args_get(changetype<usize>(list.pointers), changetype<usize>(list.text));
  return list.decode();
}

/** The value after `name`, or null. */
export function option(name: string): string | null {
  const all = args();
  for (let i = 1; i < all.length - 1; i++) if (all[i] == name) return all[i + 1];
  return null;
}

/** Whether `name` was given. */
export function flag(name: string): bool {
  return args().indexOf(name, 1) > 0;
}

/** The whole number after `name`. Without a fallback that is one, the option must be there. */
export function wholeOption(name: string, fallback: i64 = -1): u64 {
  const text = option(name);
  if (text === null) {
    if (fallback < 0 || flag(name)) fail(name + ' needs a whole number');
    return fallback;
  }
  if (!isWhole(text)) fail(name + ' needs a whole number, not ' + text);
  return U64.parseInt(text);
}

/** The number after `name`, as JSON writes numbers. The option must be there. */
export function numberOption(name: string): f64 {
  const text = option(name);
  const value = text === null ? NaN : F64.parseFloat(text);
  if (isNaN(value)) fail(name + ' needs a number');
  return value;
}

/** An environment variable, or null. `MANYHANDS_UNIT_INDEX` is always there. */
export function env(name: string): string | null {
  const sizes = memory.data(8);
  environ_sizes_get(sizes, sizes + 4);
  const list = new StringList(sizes);
  environ_get(changetype<usize>(list.pointers), changetype<usize>(list.text));
  const all = list.decode();
  for (let i = 0; i < all.length; i++) {
    if (all[i].startsWith(name + '=')) return all[i].substring(name.length + 1);
  }
  return null;
}

/** At most 18 decimal digits, so that it fits in 64 bits and in an i64. */
function isWhole(text: string): bool {
  if (text.length == 0 || text.length > 18) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/** WASI hands over a list of strings as pointers into one buffer of NUL-terminated UTF-8. */
class StringList {
  readonly pointers: StaticArray<u32>;
  readonly text: StaticArray<u8>;

  constructor(sizes: usize) {
    this.pointers = new StaticArray<u32>(load<u32>(sizes, 0));
    this.text = new StaticArray<u8>(load<u32>(sizes, 4));
  }

  decode(): string[] {
    const list = new Array<string>();
    for (let i = 0; i < this.pointers.length; i++) {
      const from = this.pointers[i];
      let to = from;
      while (load<u8>(to) != 0) to++;
      list.push(String.UTF8.decodeUnsafe(from, to - from));
    }
    return list;
  }
}
