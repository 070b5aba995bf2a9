/** What every sandbox promises (`sandbox.ts`), whatever it is made of: Node's and the browser's run this. */
import { afterEach, describe, expect, it } from 'vitest';
import { asyncifyKernel } from '../../../kernel/builders/asyncify.ts';
import { runKernel } from '../../../worker/sandbox/runner.ts';
import type { Sandbox, SandboxKernel, SandboxRun } from '../../../worker/sandbox/sandbox.ts';
import { countdownInOneCall, countdownInSteps } from './a-countdown.ts';
import { aMeteredKernel, aProgram, aRun, text } from './a-kernel.ts';
import { meterForCheckpoints } from './checkpoint/a-stoppable-kernel.ts';

export type OpenSandbox = (options: { threads: number }) => Promise<Sandbox>;

let digests = 0;
export const kernelOf = (wat: string, memoryPagesMax?: number): SandboxKernel => ({
  digest: `kernel ${digests++}`,
  wasm: aMeteredKernel(wat, memoryPagesMax),
});

const hello = aProgram(
  ['fd_write'],
  `(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 5))
   (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
  '(data (i32.const 16) "hello")',
);
export const greeter = kernelOf(hello);
/** Says that it has begun, then works until its fuel ends. */
export const spinner = kernelOf(
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
/** Takes whatever memory it can get, and touches all of it. */
const hungry = kernelOf(
  aProgram(
    [],
    `(loop $again
       (memory.fill (i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536))
         (i32.const 1) (i32.const 65536))
       (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
     (unreachable)`,
  ),
  1024,
);
const flood = kernelOf(
  aProgram(
    ['fd_write'],
    `(i32.store (i32.const 4) (i32.const 60000))
     (loop $again (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
       (br $again))`,
  ),
);
export const savable: Record<string, (rounds: number) => Uint8Array> = {
  'between its steps': (rounds) => meterForCheckpoints(countdownInSteps(rounds)),
  'within a call': (rounds) => asyncifyKernel(meterForCheckpoints(countdownInOneCall(rounds))),
};
/** A second or more of rounds. */
export const savableKernel = (build: (rounds: number) => Uint8Array): SandboxKernel => ({
  digest: `kernel ${digests++}`,
  wasm: build(5000),
});
export const forEver = Number.MAX_SAFE_INTEGER;
/** Some tenths of a second, so that a run can be met at work. */
export const aWhile = 500_000_000;

let ids = 0;
export const aSandboxRun = (changes: Partial<SandboxRun> = {}): SandboxRun => ({
  ...aRun(),
  id: `run ${ids++}`,
  wallMsMax: 60_000,
  ...changes,
});

/** Something to wait for that a callback makes happen. */
export function aGate(): { open: () => void; opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

export function sandboxContract(openSandbox: OpenSandbox): void {
  let sandbox: Sandbox;
  afterEach(() => sandbox.close());

  it('runs a kernel and answers with its output', async () => {
    sandbox = await openSandbox({ threads: 1 });
    const end = await sandbox.run(greeter, aSandboxRun());
    expect(end).toMatchObject({ outcome: 'success', exitCode: 0, detail: '' });
    expect(text(end.stdout)).toBe('hello');
  });

  it('[S3] gives what the same run gives in any other place, to the last bit of fuel', async () => {
    const { wasm } = curious;
    const run = aSandboxRun({ seed: 42n, files: { '/in': new Uint8Array(100) }, outputs: ['/**'] });
    const here = runKernel(new WebAssembly.Module(new Uint8Array(wasm)), run);
    expect(here).toMatchObject({ outcome: 'success' });
    sandbox = await openSandbox({ threads: 1 });
    const { wallMs: _, ...there } = await sandbox.run(curious, run);
    expect(there).toEqual(here);
  });

  it('runs many units of many kernels, and the first again after all others', async () => {
    sandbox = await openSandbox({ threads: 2 });
    const kernels = Array.from({ length: 20 }, () => kernelOf(hello));
    const ends = await Promise.all(
      [...kernels, ...kernels].map((kernel) => sandbox.run(kernel, aSandboxRun())),
    );
    expect(ends.every(({ outcome }) => outcome === 'success')).toBe(true);
  });

  it('passes on what a kernel tells of its progress', async () => {
    sandbox = await openSandbox({ threads: 1 });
    const told: number[] = [];
    const run = aSandboxRun({ fuelMax: aWhile });
    await sandbox.run(spinner, run, (fraction) => told.push(fraction));
    expect(told).toEqual([0.5]);
  });

  it('answers host_error for bytes that do not compile, and goes on', async () => {
    sandbox = await openSandbox({ threads: 1 });
    const garbage = { digest: 'garbage', wasm: new Uint8Array([0, 97, 115, 109, 9]) };
    expect(await sandbox.run(garbage, aSandboxRun())).toMatchObject({ outcome: 'host_error' });
    expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
  });

  it('aborts what runs and what waits when it is closed, and whatever comes after', async () => {
    sandbox = await openSandbox({ threads: 1 });
    const begun = aGate();
    const endless = aSandboxRun({ fuelMax: forEver });
    const ends = [
      sandbox.run(spinner, endless, () => begun.open()),
      sandbox.run(greeter, aSandboxRun()),
    ];
    await begun.opened;
    await sandbox.close();
    ends.push(sandbox.run(greeter, aSandboxRun()));
    for (const end of ends) expect(await end).toMatchObject({ outcome: 'aborted' });
  });

  it('aborts one run, whether it runs or waits, and no other', async () => {
    sandbox = await openSandbox({ threads: 1 });
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

  it('[S2] ends a run over its wall time as time_exceeded, and its thread is free for the next', async () => {
    sandbox = await openSandbox({ threads: 1 });
    const run = aSandboxRun({ fuelMax: forEver, wallMsMax: 200 });
    const [late, next] = [sandbox.run(spinner, run), sandbox.run(greeter, aSandboxRun())];
    const end = await late;
    expect(end).toMatchObject({ outcome: 'time_exceeded', exitCode: null });
    expect(end.detail).toContain('limits.wallMsMax, 200 ms');
    expect(end.wallMs).toBeGreaterThanOrEqual(199);
    expect(await next).toMatchObject({ outcome: 'success' });
  });

  describe('saves a run', () => {
    it.each(Object.entries(savable))(
      '[S3] %s, which goes on; from what was saved another comes to the same end',
      async (_, build) => {
        const kernel = savableKernel(build);
        const run = () => aSandboxRun({ fuelMax: forEver, seed: 7n });
        const stayed = runKernel(new WebAssembly.Module(new Uint8Array(kernel.wasm)), run());
        expect(stayed).toMatchObject({ outcome: 'success' });
        expect(stayed.stdout).toHaveLength(8);
        sandbox = await openSandbox({ threads: 1 });
        const begun = aGate();
        const first = run();
        const went = sandbox.run(kernel, first, () => begun.open());
        await begun.opened;
        const saved = await sandbox.save(first.id);
        if (saved === null) throw new Error('nothing was saved');
        expect(saved.fuel).toBeGreaterThan(0);
        expect(saved.fuel).toBeLessThan(stayed.fuel);
        const again = sandbox.run(kernel, { ...run(), from: saved });
        for (const end of [await went, await again])
          expect({ ...end, wallMs: 0 }).toEqual({ ...stayed, wallMs: 0 });
      },
    );

    it('not when it has ended, never was, or has no checkpoints', async () => {
      sandbox = await openSandbox({ threads: 1 });
      const run = aSandboxRun({ fuelMax: aWhile });
      const begun = aGate();
      const ended = sandbox.run(spinner, run, () => begun.open());
      await begun.opened;
      expect(await sandbox.save(run.id)).toBe(null);
      await ended;
      expect(await sandbox.save(run.id)).toBe(null);
      expect(await sandbox.save('nobody')).toBe(null);
    });

    it('and ends one as host_error that is to go on from something damaged', async () => {
      sandbox = await openSandbox({ threads: 1 });
      const from = { digest: new Uint8Array(32), bytes: new Uint8Array(100), fuel: 5 };
      const end = await sandbox.run(greeter, aSandboxRun({ from }));
      expect(end).toMatchObject({ outcome: 'host_error', exitCode: null, fuel: 0 });
      expect(end.detail).toContain('The snapshot is refused');
      expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
    });
  });

  describe('[S2] lives on after', () => {
    it.each([
      ['an endless loop', spinner, 'fuel_exhausted'],
      ['a memory bomb', hungry, 'memory_exceeded'],
      ['a flood of output', flood, 'output_exceeded'],
    ])('%s', async (_, kernel, outcome) => {
      sandbox = await openSandbox({ threads: 1 });
      const end = await sandbox.run(kernel, aSandboxRun({ fuelMax: aWhile }));
      expect(end).toMatchObject({ outcome });
      expect(await sandbox.run(greeter, aSandboxRun())).toMatchObject({ outcome: 'success' });
    });
  });
}
