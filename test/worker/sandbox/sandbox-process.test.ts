import { afterEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../../../worker/sandbox/node/sandbox-process.ts';
import type { Sandbox, SandboxRun } from '../../../worker/sandbox/sandbox.ts';
import { aMeteredKernel, aProgram, aRun, text } from './a-kernel.ts';

const greeter = {
  digest: 'greeter',
  wasm: aMeteredKernel(
    aProgram(
      ['fd_write'],
      `(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 5))
       (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
      '(data (i32.const 16) "hello")',
    ),
  ),
};
let count = 0;
const aSandboxRun = (changes: Partial<SandboxRun> = {}): SandboxRun => ({
  ...aRun(),
  id: `run ${count++}`,
  wallMsMax: 60_000,
  ...changes,
});

let sandbox: Sandbox;
afterEach(() => sandbox.close());

describe('the sandbox process', () => {
  it('runs a kernel and answers with its output', async () => {
    sandbox = openSandbox({ threads: 1 });
    const end = await sandbox.run(greeter, aSandboxRun());
    expect(end).toMatchObject({ outcome: 'success', exitCode: 0, detail: '' });
    expect(text(end.stdout)).toBe('hello');
  });
});
