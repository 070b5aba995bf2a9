/**
 * Starts the sandbox process with as little as it needs: no environment, no standard streams, no
 * file but its own code, and no tier-up in the middle of a loop. With dynamic tiering V8 would
 * notice an interrupt only when a budget is spent, and a loop of large memory.fill was seen to run
 * on for 25 s; without it, such a loop ends within 30 ms.
 */
import { fork } from 'node:child_process';
import { giveWay } from './give-way.ts';
import { leash } from './leash.ts';
import type { FromProcess, ProcessOptions, ToProcess } from './messages.ts';
import { permissionFlags, programFile } from './program.ts';

/** A dying engine prints a few KiB: what it was doing, a line that says why, a trace. */
const stderrCharsKept = 8192;
/** A `detail` has room for a few lines. */
const lastWordsCharsMax = 300;

export interface SandboxProcess {
  send(message: ToProcess): void;
  /** Stops it where it stands. Windows has no such signal: there the runs under way go on. */
  pause(): void;
  resume(): void;
  kill(): void;
}

export interface ProcessEvents {
  onMessage(message: FromProcess): void;
  /** Once, for whatever reason: told in a few words. */
  onGone(reason: string): void;
}

export function startProcess(options: ProcessOptions, events: ProcessEvents): SandboxProcess {
  const child = fork(programFile, [JSON.stringify(options)], {
    execArgv: ['--no-warnings', '--no-wasm-dynamic-tiering', ...permissionFlags()],
    // Windows cannot start a program without this one variable.
    env: process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCharsKept);
  });

  let letGo = () => {};
  let isGone = false;
  const gone = (reason: string) => {
    if (isGone) return;
    isGone = true;
    letGo();
    events.onGone(stderr === '' ? reason : `${reason}; its last words: ${lastWords(stderr)}`);
  };
  child.once('spawn', () => {
    if (child.pid !== undefined) giveWay(child.pid);
  });
  child.on('message', (message) => events.onMessage(message as FromProcess));
  child.once('close', (code, signal) => gone(`ended by ${signal ?? `itself with code ${code}`}`));
  // A message that could not be sent is an error too: `close` follows that one by itself.
  child.on('error', (error) => {
    if (child.pid === undefined) gone(`could not be started: ${error.message}`);
  });

  return {
    send(message) {
      child.send(message, undefined, undefined, () => {});
    },
    pause() {
      if (process.platform === 'win32' || isGone || child.pid === undefined) return;
      letGo = leash(child.pid);
      child.kill('SIGSTOP');
    },
    resume() {
      if (process.platform === 'win32' || isGone) return;
      child.kill('SIGCONT');
      letGo();
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}

function lastWords(stderr: string): string {
  const why = stderr.split('\n').find((line) => line.startsWith('FATAL ERROR'));
  return (why ?? stderr.trim()).slice(-lastWordsCharsMax);
}
