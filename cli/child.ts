/**
 * Another `manyhands` command as a child process, for the demo. It runs in a process group of its
 * own, so that Ctrl-C reaches only the parent, which then ends its children in order; and it has a
 * channel to the parent, so that it ends by itself should the parent be killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { commandPath } from './package-root.ts';

/** Enough to see an error and what led to it. */
const lastLinesMax = 8;
/** Longer than any drain takes; what still runs then is killed. */
const stopWithinMs = 15_000;

export type Child = {
  name: string;
  /** The rest of the first line of stdout that begins so; a Failure when it ends before. */
  lineAfter(prefix: string): Promise<string>;
  /** Rejects when the child ends without being asked to; never resolves. */
  died: Promise<never>;
  stop(): Promise<void>;
};

export function startChild(name: string, args: string[]): Child {
  const child = spawn(process.execPath, [commandPath, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lastLines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let stopping = false;

  for (const input of [child.stdout, child.stderr]) {
    if (input === null) continue;
    createInterface({ input }).on('line', (line) => {
      if (input === child.stdout) for (const listener of listeners) listener(line);
      lastLines.push(line);
      if (lastLines.length > lastLinesMax) lastLines.shift();
    });
  }

  const died = new Promise<never>((_, reject) => {
    const tell = () => {
      if (!stopping) reject(endedEarly(name, child, lastLines));
    };
    child.once('error', tell);
    child.once('close', tell);
  });
  // Whoever waits for something races it with `died`; nobody waiting is no reason to crash.
  died.catch(() => {});

  return {
    name,
    died,
    lineAfter(prefix) {
      const line = new Promise<string>((resolve) => {
        listeners.add((text) => {
          if (text.startsWith(prefix)) resolve(text.slice(prefix.length));
        });
      });
      return Promise.race([line, died]);
    },
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const late = new AbortController();
      const kill = sleep(stopWithinMs, undefined, { signal: late.signal })
        .then(() => child.kill('SIGKILL'))
        // Aborted, because it ended in time.
        .catch(() => {});
      await ended;
      late.abort();
      await kill;
    },
  };
}

function endedEarly(name: string, child: ChildProcess, lastLines: string[]): Failure {
  const how = child.signalCode === null ? `code ${child.exitCode}` : child.signalCode;
  return new Failure('child_ended', `The ${name} of the demo ended early, with ${how}.`, {
    why: lastLines.length > 0 ? lastLines : 'it said nothing',
    remedy: 'mend what it says above and start the demo again',
  });
}
