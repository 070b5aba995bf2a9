/**
 * Another `manyhands` command as a child process, for the demo. It runs in a process group of its
 * own, so that Ctrl-C reaches only the parent, which then ends its children in order; and it has a
 * channel to the parent, so that it ends by itself should the parent be killed. What it tells goes
 * to a file: a pipe would break with the parent, and the child would trip over it while it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { commandPath } from './package-root.ts';

/** Enough to see an error and what led to it. */
const lastLinesMax = 8;
/** Longer than any drain takes; what still runs then is killed. */
const stopWithinMs = 15_000;

export type Child = {
  /** The rest of the first line of stdout that begins so; a Failure when it ends before. */
  lineAfter(prefix: string): Promise<string>;
  /** Rejects when the child ends without being asked to; never resolves. */
  died: Promise<never>;
  stop(): Promise<void>;
};

/** `folder` is where the child's stderr is kept, under its name. */
export function startChild(name: string, args: string[], folder: string): Child {
  const log = join(folder, `${name}.log`);
  const stderr = openSync(log, 'a');
  const child = spawn(process.execPath, [commandPath, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', stderr, 'ipc'],
  });
  closeSync(stderr);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let isStopping = false;

  const died = new Promise<never>((_, reject) => {
    const tell = () => {
      if (!isStopping) reject(endedEarly(name, child, log));
    };
    child.once('error', tell);
    child.once('close', tell);
  });
  // Whoever waits for something races it with `died`; nobody waiting is no reason to crash.
  died.catch(() => {});

  return {
    died,
    lineAfter(prefix) {
      const line = new Promise<string>((resolve) => {
        if (child.stdout === null) return;
        createInterface({ input: child.stdout }).on('line', (text) => {
          if (text.startsWith(prefix)) resolve(text.slice(prefix.length));
        });
      });
      return Promise.race([line, died]);
    },
    async stop() {
      isStopping = true;
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

function endedEarly(name: string, child: ChildProcess, log: string): Failure {
  const how = child.signalCode === null ? `code ${child.exitCode}` : child.signalCode;
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-lastLinesMax);
  return new Failure('child_ended', `The ${name} of the demo ended early, with ${how}.`, {
    why: lines.join('') === '' ? 'it said nothing' : lines,
    remedy: 'mend what it says above and start the demo again',
  });
}
