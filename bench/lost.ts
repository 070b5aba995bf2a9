/** What a fault has cost, asked of the grid with the commands that anybody has. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { commandPath } from '../cli/package-root.ts';
import type { UnitRuns } from '../protocol/messages.ts';
import type { CommandServer } from './coordinator-command.ts';

/** How many of these units have a result, as a scientist reads them. */
export async function foundUnits(
  server: CommandServer,
  jobId: string,
  units: UnitRuns,
): Promise<number> {
  const args = [commandPath, 'results', jobId, ...asked(server)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const there = new Set<number>();
  for await (const line of createInterface({ input: child.stdout })) {
    there.add((JSON.parse(line) as { unit: number }).unit);
  }
  let count = 0;
  for (const [from, length] of units) {
    for (let unit = from; unit < from + length; unit++) if (there.has(unit)) count++;
  }
  return count;
}

/** Zero when the replay of the ledger finds nothing wrong; it stops at the first thing that is. */
export async function paidTwice(server: CommandServer): Promise<number> {
  try {
    const args = [commandPath, 'ledger', 'verify', ...asked(server)];
    await promisify(execFile)(process.execPath, args);
    return 0;
  } catch (error) {
    if (/a second grant/.test((error as { stderr?: string }).stderr ?? '')) return 1;
    throw error;
  }
}

const asked = ({ url, tokenFile }: CommandServer) => ['--url', url, '--token-file', tokenFile];
