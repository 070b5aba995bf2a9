/** Whatever happens to the agent, it leaves no sandbox process on the volunteer's machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { aMeteredKernel, aProgram } from './a-kernel.ts';
import { isAlive, sandboxProcesses } from './processes.ts';

const program = pathToFileURL('dist/worker/sandbox/node/sandbox-process.js').href;
/** An agent that runs a kernel which never ends, and pauses it when asked to. */
const agentSource = `
  import { readFileSync } from 'node:fs';
  import { openSandbox } from ${JSON.stringify(program)};
  const [, , kernel, mode] = process.argv;
  const sandbox = openSandbox({ threads: 1 });
  const run = { id: 'run', args: [], env: {}, stdin: new Uint8Array(0), files: {}, outputs: [],
    fuelMax: Number.MAX_SAFE_INTEGER, outputBytesMax: 1000, seed: 1n, wallMsMax: 600_000 };
  sandbox.run({ digest: 'spinner', wasm: readFileSync(kernel) }, run, () => {
    if (mode === 'paused') sandbox.pause();
    process.stdout.write('running');
  });
`;

let folder = '';
let agent: ChildProcess;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manyhands-left-behind-'));
});
afterEach(() => {
  agent.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const ofAgent = () => sandboxProcesses().find(({ parent }) => parent === agent.pid);

async function startAgent(mode: string): Promise<number> {
  const [source, kernel] = [join(folder, 'agent.mjs'), join(folder, 'kernel.wasm')];
  writeFileSync(source, agentSource);
  const spins = '(call $progress (f64.const 0)) (loop $again (br $again))';
  writeFileSync(kernel, aMeteredKernel(aProgram(['progress'], spins)));
  agent = spawn(process.execPath, [source, kernel, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (agent.stdout !== null) await once(agent.stdout, 'data');
  return ofAgent()?.pid ?? 0;
}

it.each(['running', 'paused'])(
  'an agent that is killed takes its sandbox process along: %s',
  async (mode) => {
    const pid = await startAgent(mode);
    expect(isAlive(pid)).toBe(true);
    if (mode === 'paused') await vi.waitFor(() => expect(ofAgent()?.state).toBe('T'));
    agent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
  },
);

it('Ctrl-C and a stopping service are for the agent to answer: the process goes on', async () => {
  const pid = await startAgent('running');
  process.kill(pid, 'SIGINT');
  process.kill(pid, 'SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(isAlive(pid)).toBe(true);
});
