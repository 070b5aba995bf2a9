/** The coordinator's own command in a process, as an operator starts it: started, given a job, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { commandPath } from '../cli/package-root.ts';
import { emptyKernel } from './empty-kernel.ts';

export type CommandServer = { child: ChildProcess; url: string; tokenFile: string };

/** `args`: beside port and data folder. */
export async function startCommand(
  dataDir: string,
  port: string,
  args: readonly string[] = [],
): Promise<CommandServer> {
  const where = ['--port', port, '--data', dataDir, ...args];
  const child = spawn(
    process.execPath,
    [commandPath, 'coordinator', ...where, '--log-level', 'error'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('ready ')) continue;
    return { child, url: line.slice('ready '.length), tokenFile: join(dataDir, 'operator.token') };
  }
  throw new Error('the coordinator did not start');
}

export async function stopCommand({ child }: CommandServer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** A job that does not end while anybody looks; returns its id. */
export async function submitEndless({ url, tokenFile }: CommandServer): Promise<string> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { digest, wasm } = emptyKernel();
  const put = { method: 'PUT', headers: { authorization: headers.authorization }, body: wasm };
  await fetch(`${url}/v1/artifacts/${digest}`, put);
  const units = { range: { count: 1_000_000_000 } };
  const body = JSON.stringify({ name: 'endless', kernel: digest, units });
  const reply = await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body });
  if (!reply.ok) throw new Error(`the bench's job was refused: ${await reply.text()}`);
  return ((await reply.json()) as { jobId: string }).jobId;
}
