/** CPU time that processes have used so far, user and system, from /proc (proc(5)). Linux only. */
import { readFile } from 'node:fs/promises';

/** Ticks are 1/100 s on every Linux that Node runs on (USER_HZ). */
const microsPerTick = 10_000;

/** Microseconds, summed over the processes. */
export async function cpuMicros(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The name may hold spaces; what follows its closing bracket does not. utime and stime.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
    }),
  );
  return each.reduce((sum, micros) => sum + micros, 0);
}
