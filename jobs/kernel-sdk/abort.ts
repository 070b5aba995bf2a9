/**
 * Where a failed assertion, a thrown error or an index out of bounds ends: one sentence on stderr,
 * then a trap. A trap, because the unit has no answer and the host should say so (`kernel_trap`);
 * an exit code is for what the kernel foresaw. The build names this function as the language's
 * `abort`, so kernels never call it.
 */
import { warn } from './output';

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? 'assertion failed' : message;
  const where =
    file === null ? '' : ' at ' + file + ':' + line.toString() + ':' + column.toString();
  warn('kernel aborted: ' + what + where);
  unreachable();
}
