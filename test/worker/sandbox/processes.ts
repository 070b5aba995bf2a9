/** The operating system's view of sandbox processes, as `ps` has it on Linux and macOS alike. */
import { execFileSync } from 'node:child_process';

export interface ListedProcess {
  pid: number;
  parent: number;
  /** T: stopped. Z: ended, and not yet noticed by its parent. */
  state: string;
  nice: number;
}

export function sandboxProcesses(): ListedProcess[] {
  const listed = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,state=,nice=,args='], {
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((line) => line.includes('sandbox/node/process-main.js'))
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state, nice]) => ({
      pid: Number(pid),
      parent: Number(parent),
      state: state?.[0] ?? '',
      nice: Number(nice),
    }));
}

/** The one sandbox process of this test. */
export function ownSandboxProcess(): ListedProcess {
  const [own, ...others] = sandboxProcesses().filter(({ parent }) => parent === process.pid);
  if (own === undefined || others.length > 0) throw new Error('expected one sandbox process');
  return own;
}

export const isAlive = (pid: number): boolean =>
  sandboxProcesses().some((listed) => listed.pid === pid && listed.state !== 'Z');
