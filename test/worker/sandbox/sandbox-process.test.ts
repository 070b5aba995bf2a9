import { afterEach, describe, expect, it, vi } from 'vitest';
import { openSandbox } from '../../../worker/sandbox/node/sandbox-process.ts';
import { runKernel } from '../../../worker/sandbox/runner.ts';
import type { Sandbox, SandboxKernel, SandboxRun } from '../../../worker/sandbox/sandbox.ts';
import { aMeteredKernel, aProgram, aRun, text } from './a-kernel.ts';
import { isAlive, ownSandboxProcess } from './processes.ts';

let digests = 0;
const kernelOf = (wat: string, memoryPagesMax?: number): SandboxKernel => ({
  digest: `kernel ${digests++}`,
  wasm: aMeteredKernel(wat, memoryPagesMax),
});

const hello = aProgram(
  ['fd_write'],
  `(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 5))
   (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
  '(data (i32.const 16) "hello")',
);
const greeter = kernelOf(hello);
/** Says that it has begun, then works until its fuel ends. */
const spinner = kernelOf(
  aProgram(['progress'], '(call $progress (f64.const 0.5)) (loop $again (br $again))'),
);
/** Puts chance and time into its output and into a file. */
const curious = kernelOf(
  aProgram(
    ['random_get', 'clock_time_get', 'path_open', 'fd_write'],
    `(drop (call $random_get (i32.const 96) (i32.const 1000)))
     (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 88)))
     (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 3) (i32.const 1)
       (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 8)))
     (i32.store (i32.const 0) (i32.const 88)) (i32.store (i32.const 4) (i32.const 1008))
     (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
     (drop (call $fd_write (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 8)))`,
    '(data (i32.const 64) "new")',
  ),
);
const forEver = Number.MAX_SAFE_INTEGER;
/** Some tenths of a second, so that the process can be met at work. */
const aWhile = 500_000_000;

let ids = 0;
const aSandboxRun = (changes: Partial<SandboxRun> = {}): SandboxRun => ({
  ...aRun(),
  id: `run ${ids++}`,
  wallMsMax: 60_000,
  ...changes,
});

/** Something to wait for that a callback makes happen. */
function aGate(): { open: () => void; opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

let sandbox: Sandbox;
afterEach(() => sandbox.close());

describe('the sandbox process', () => {
  it('runs a kernel and answers with its output', async () => {
    sandbox = openSandbox({ threads: 1 });
    const end = await sandbox.run(greeter, aSandboxRun());
    expect(end).toMatchObject({ outcome: 'success', exitCode: 0, detail: '' });
    expect(text(end.stdout)).toBe('hello');
  });

  it('[S3] gives what the same run gives in any other place, to the last bit of fuel', async () => {
    const { wasm } = curious;
    const run = aSandboxRun({ seed: 42n, files: { '/in': new Uint8Array(100) }, outputs: ['/**'] });
    const here = runKernel(new WebAssembly.Module(new Uint8Array(wasm)), run);
    expect(here).toMatchObject({ outcome: 'success' });
    sandbox = openSandbox({ threads: 1 });
    const { wallMs: _, ...there } = await sandbox.run(curious, run);
    expect(there).toEqual(here);
  });

  it('runs many units of many kernels, and the first again after all others', async () => {
    sandbox = openSandbox({ threads: 2 });
    const kernels = Array.from({ length: 20 }, () => kernelOf(hello));
    const ends = await Promise.all(
      [...kernels, ...kernels].map((kernel) => sandbox.run(kernel, aSandboxRun())),
    );
    expect(ends.every(({ outcome }) => outcome === 'success')).toBe(true);
  });

  it('passes on what a kernel tells of its progress', async () => {
    sandbox = openSandbox({ threads: 1 });
    const told: number[] = [];
    const run = aSandboxRun({ fuelMax: aWhile });
    await sandbox.run(spinner, run, (fraction) => told.push(fraction));
    expect(told).toEqual([0.5]);
  });

  it('answers host_error for bytes that do not compile, and goes on', async () => {
    sandbox = openSandbox({ threads: 1 });
    const garbage = { digest: 'garbage', wasm: new Uint8Array([0, 97, 115, 109, 9]) };
    expect(await sandbox.run(garbage, aSandboxRun())).toMatchObject({ outcome: 'host_error' });
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
  });

  it('has the lowest priority', async () => {
    sandbox = openSandbox({ threads: 1 });
    await sandbox.run(greeter, aSandboxRun());
    expect(ownSandboxProcess().nice).toBe(19);
  });

  it('is gone after close, and runs after that are aborted', async () => {
    sandbox = openSandbox({ threads: 1 });
    await sandbox.run(greeter, aSandboxRun());
    const { pid } = ownSandboxProcess();
    await sandbox.close();
    expect(isAlive(pid)).toBe(false);
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'aborted' });
  });
});

describe('a run', () => {
  it('over its wall time is time_exceeded, and its thread is free for the next', async () => {
    sandbox = openSandbox({ threads: 1 });
    const run = aSandboxRun({ fuelMax: forEver, wallMsMax: 200 });
    const [late, next] = [sandbox.run(spinner, run), sandbox.run(greeter, aSandboxRun())];
    const end = await late;
    expect(end).toMatchObject({ outcome: 'time_exceeded', exitCode: null });
    expect(end.detail).toContain('limits.wallMsMax, 200 ms');
    expect(end.wallMs).toBeGreaterThanOrEqual(199);
    expect(await next).toMatchObject({ outcome: 'success' });
  });

  it('that is aborted ends as aborted, whether it runs or waits', async () => {
    sandbox = openSandbox({ threads: 1 });
    const [first, second] = [{ id: 'first' }, { id: 'second' }];
    const begun = aGate();
    const running = sandbox.run(spinner, aSandboxRun({ ...first, fuelMax: forEver }), () =>
      begun.open(),
    );
    const waiting = sandbox.run(spinner, aSandboxRun({ ...second, fuelMax: forEver }));
    const last = sandbox.run(greeter, aSandboxRun());
    await begun.opened;
    sandbox.abort('second');
    sandbox.abort('first');
    sandbox.abort('nobody');
    expect(await waiting).toMatchObject({ outcome: 'aborted' });
    expect(await running).toMatchObject({ outcome: 'aborted' });
    expect(await last).toMatchObject({ outcome: 'success' });
  });

  it('stands still during a pause, and so does its clock', async () => {
    sandbox = openSandbox({ threads: 1 });
    const begun = aGate();
    const startedMs = performance.now();
    const end = sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile }), () => begun.open());
    await begun.opened;
    sandbox.pause();
    await vi.waitFor(() => expect(ownSandboxProcess().state).toBe('T'));
    const pausedMs = performance.now();
    const waiting = sandbox.run(greeter, aSandboxRun());
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ownSandboxProcess().state).toBe('T');
    const pauseMs = performance.now() - pausedMs;
    sandbox.resume();
    const { outcome, wallMs } = await end;
    expect(outcome).toBe('fuel_exhausted');
    expect(performance.now() - startedMs).toBeGreaterThan(wallMs + pauseMs - 1);
    expect(await waiting).toMatchObject({ outcome: 'success' });
  });
});

describe('when the sandbox process dies', () => {
  it('by itself, the runs under way are run again', async () => {
    sandbox = openSandbox({ threads: 2 });
    let begun = 0;
    const killOnce = () => {
      if (++begun === 2) process.kill(ownSandboxProcess().pid, 'SIGKILL');
    };
    const runs = [1, 2].map(() =>
      sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile * 4 }), killOnce),
    );
    const ends = await Promise.all(runs);
    expect(ends.map(({ outcome }) => outcome)).toEqual(['fuel_exhausted', 'fuel_exhausted']);
    expect(begun).toBe(4);
  });

  it('twice under a run, that run is host_error and its neighbours end well', async () => {
    sandbox = openSandbox({ threads: 2 });
    const kill = () => process.kill(ownSandboxProcess().pid, 'SIGKILL');
    const [poison, neighbour, later] = [
      sandbox.run(spinner, aSandboxRun({ fuelMax: forEver }), kill),
      sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile })),
      sandbox.run(greeter, aSandboxRun()),
    ];
    const end = await poison;
    expect(end).toMatchObject({ outcome: 'host_error' });
    expect(end.detail).toContain('SIGKILL');
    expect(await neighbour).toMatchObject({ outcome: 'fuel_exhausted' });
    expect(await later).toMatchObject({ outcome: 'success' });
  });

  it('because a thread would not end, only the run that was ended pays', async () => {
    sandbox = openSandbox({ threads: 2 });
    const bothBegan = aGate();
    let begun = 0;
    const begin = () => {
      if (++begun === 2) bothBegan.open();
    };
    const stubborn = aSandboxRun({ id: 'stubborn', fuelMax: forEver });
    const ended = sandbox.run(spinner, stubborn, begin);
    const neighbour = sandbox.run(spinner, aSandboxRun({ fuelMax: aWhile * 4 }), begin);
    await bothBegan.opened;
    // A process that cannot answer is as good as a thread that does not end.
    const { pid } = ownSandboxProcess();
    process.kill(pid, 'SIGSTOP');
    sandbox.abort('stubborn');
    expect(await ended).toMatchObject({ outcome: 'aborted' });
    expect(await neighbour).toMatchObject({ outcome: 'fuel_exhausted' });
    expect(begun).toBe(3);
    expect(isAlive(pid)).toBe(false);
  });

  it('for more memory than it may have, twice, the run is host_error', async () => {
    sandbox = openSandbox({ threads: 1, memoryLimit: 200 * 1024 * 1024 });
    const hungry = kernelOf(
      aProgram(
        [],
        `(drop (memory.grow (i32.const 4000)))
         (memory.fill (i32.const 0) (i32.const 1) (i32.const 262144000)) (loop $again (br $again))`,
      ),
      4001,
    );
    const end = await sandbox.run(hungry, aSandboxRun({ fuelMax: forEver }));
    expect(end.outcome).toBe('host_error');
    expect(end.detail).toContain('over its limit of 209715200 bytes');
  });
});
