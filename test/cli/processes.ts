/** The processes that have a folder's path in their arguments, as `ps` has it on Linux and macOS. */
import { execFileSync } from 'node:child_process';

export function processesIn(folder: string): { pid: number; args: string }[] {
  const listed = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,state=,args='], { encoding: 'utf8' });
  return listed
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((found) => found?.[3]?.includes(folder) && !found[2]?.startsWith('Z'))
    .map((found) => ({ pid: Number(found?.[1]), args: found?.[3] ?? '' }));
}
