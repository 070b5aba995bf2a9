/**
 * A stopped process cannot notice that the agent is gone: killed while paused, the agent would
 * leave it behind for good. So a pause holds a leash: a shell that waits for a line from the agent.
 * The line lets go; the end of the pipe, which comes when the agent dies in whatever way, kills.
 *
 * A session of its own keeps the shell from Ctrl-C. It costs a megabyte, and only during a pause.
 */
import { spawn } from 'node:child_process';

const script = 'read -r line || kill -KILL "$1"';

/** Ties the process to this one until the returned function is called. */
export function leash(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', script, 'leash', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  });
  // Without a shell there is no leash; the pause itself works all the same.
  shell.on('error', () => {});
  shell.stdin.on('error', () => {});
  shell.unref();
  return () => shell.stdin.end('let go\n');
}
