// Another process that opens the Redis of a data folder, as a coordinator would, so that tests can kill
// it. It runs from dist/, and says on its first line how opening went.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const door = new URL('../../../dist/coordinator/redis/open.js', import.meta.url).href;

const program = `
  import { openRedis } from ${JSON.stringify(door)};
  const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
  try {
    const { pid, connection } = await openRedis({ dataDir: process.argv[1] });
    say({ pid, connection });
  } catch ({ code, why }) {
    say({ code, why });
  }
`;

export type CoordinatorProcess = {
  pid: number;
  /** The Redis it serves on, or the code and reason of the error it met. */
  opened: { pid?: number; connection?: { path: string }; code?: string; why?: string };
  kill9(): Promise<void>;
};

export async function startCoordinatorProcess(dataDir: string): Promise<CoordinatorProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { pid: pidOf(child), opened: JSON.parse(line), kill9: () => kill9(child) };
}

async function kill9(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}
