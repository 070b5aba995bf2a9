/**
 * What AssemblyScript itself asks of its host, answered over WASI. A kernel never imports this: the
 * build puts it into every one, and names these functions as the language's own. So a program that
 * knows nothing of the SDK is a kernel too.
 */
import { print, warn } from './output';
import { random_get, SUCCESS } from './wasi_snapshot_preview1';

/**
 * Where a failed assertion, a thrown error or an index out of bounds ends: one sentence on stderr,
 * then a trap. A trap, because the unit has no answer and the host should say so (`kernel_trap`);
 * an exit code is for what the kernel foresaw.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? 'assertion failed' : message;
  const where =
    file === null ? '' : ' at ' + file + ':' + line.toString() + ':' + column.toString();
  warn('kernel aborted: ' + what + where);
  unreachable();
}

/** Where Math.random begins: other numbers in each unit, the same ones on every host. */
export function seed(): f64 {
  const bytes = memory.data(8);
  if (random_get(bytes, 8) != SUCCESS) unreachable();
  return reinterpret<f64>(load<u64>(bytes));
}

export namespace console {
  export function log(line: string = ''): void {
    print(line);
  }

  export function info(line: string = ''): void {
    print(line);
  }

  export function debug(line: string = ''): void {
    print(line);
  }

  export function warn(line: string = ''): void {
    toStderr(line);
  }

  export function error(line: string = ''): void {
    toStderr(line);
  }
}

function toStderr(line: string): void {
  warn(line);
}
