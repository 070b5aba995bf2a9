/**
 * Makes the sandbox process yield to whatever the machine's owner does: lowest priority for the
 * processor, first to go when memory runs out. On Linux priority belongs to threads and is
 * inherited, so every thread that exists by now is lowered. What the system does not allow is left.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

export function giveWay(pid: number): void {
  for (const thread of threadsOf(pid))
    attempt(() => setPriority(thread, constants.priority.PRIORITY_LOW));
  // 1000 of 1000; a process may always volunteer itself or its children.
  if (process.platform === 'linux')
    attempt(() => writeFileSync(`/proc/${pid}/oom_score_adj`, '1000'));
}

function threadsOf(pid: number): number[] {
  if (process.platform !== 'linux') return [pid];
  let threads = [pid];
  attempt(() => {
    threads = readdirSync(`/proc/${pid}/task`).map(Number);
  });
  return threads;
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // A thread or the process may be gone, or the system may refuse: good manners, not a promise.
  }
}
