/**
 * The built command as a person runs it: a process of its own, in an environment of its own, so that
 * no test reads or writes the folders of whoever runs it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/cli/main.js');

export type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string };

export type Running = {
  pid: number;
  /** Resolves with the rest of the first line of stdout or stderr that begins so. */
  line(prefix: string): Promise<string>;
  /** What it has written so far. */
  output(): Ended;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
};

/** What a test that failed halfway has left running. */
const running = new Set<Running>();

/** A folder that goes away after the tests of this file, and with it whatever they left running. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'manyhands-test-'));
  afterAll(async () => {
    // A coordinator that is asked to end takes its Redis with it.
    for (const one of running) one.kill('SIGTERM');
    await Promise.all([...running].map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** `through`: a command that starts it, such as one that enters a namespace. */
export function startManyhands(
  args: readonly string[],
  options: {
    env?: Record<string, string>;
    input?: string;
    home: string;
    through?: readonly string[];
  },
): Running {
  const [program = '', ...rest] = [...(options.through ?? []), process.execPath, main, ...args];
  const child = spawn(program, rest, {
    cwd: options.home,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      XDG_DATA_HOME: join(options.home, 'data'),
      ...options.env,
    },
  });
  const ended: Ended = { code: null, signal: null, stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      ended[name] += text;
      for (const look of watchers) look();
    });
  }
  child.stdin.on('error', () => {
    // It ended without reading its input.
  });
  child.stdin.end(options.input ?? '');
  const one: Running = {
    pid: child.pid ?? 0,
    output: () => ended,
    kill: (signal) => child.kill(signal),
    line: (prefix) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const lines = `${ended.stdout}${ended.stderr}`.split('\n').slice(0, -1);
          const found = lines.find((line) => line.startsWith(prefix));
          if (found !== undefined) resolve(found.slice(prefix.length));
        };
        watchers.add(look);
        look();
        child.once('close', () => reject(new Error(`no "${prefix}" in ${JSON.stringify(ended)}`)));
      }),
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(one);
        resolve({ ...ended, code, signal });
      });
    }),
  };
  running.add(one);
  return one;
}

export const manyhands = (
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string; home: string },
): Promise<Ended> => startManyhands(args, options).ended;
