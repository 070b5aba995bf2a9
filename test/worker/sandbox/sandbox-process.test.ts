import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSandbox, type SandboxOptions } from '../../../worker/sandbox/node/sandbox-process.ts';
import { aProgram } from './a-kernel.ts';
import {
  aGate,
  aSandboxRun,
  aWhile,
  forEver,
  greeter,
  kernelOf,
  sandboxContract,
  savable,
  savableKernel,
  spinner,
} from './contract.ts';
import { isAlive, ownSandboxProcess } from './processes.ts';

function open(options: SandboxOptions) {
  const sandbox = openSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

describe('the sandbox of Node', () => {
  sandboxContract(async (options) => openSandbox(options));
});

describe('the sandbox process', () => {
  it('has the lowest priority', async () => {
    const sandbox = open({ threads: 1 });
    await sandbox.run(greeter, aSandboxRun());
    expect(ownSandboxProcess().nice).toBe(19);
  });

  it('is gone after close', async () => {
    const sandbox = open({ threads: 1 });
    await sandbox.run(greeter, aSandboxRun());
    const { pid } = ownSandboxProcess();
    await sandbox.close();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a run', () => {
  it('stands still during a pause, and so does its clock', async () => {
    const sandbox = open({ threads: 1 });
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
    const sandbox = open({ threads: 2 });
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

  it.each(Object.entries(savable))(
    'a run that was saved %s goes on from there',
    async (_, build) => {
      const kernel = savableKernel(build);
      const sandbox = open({ threads: 1 });
      const run = () => aSandboxRun({ fuelMax: forEver });
      const stayed = await sandbox.run(kernel, run());
      const { id } = run();
      let gate = aGate();
      const end = sandbox.run(kernel, { ...run(), id }, () => gate.open());
      await gate.opened;
      const saved = await sandbox.save(id);
      gate = aGate();
      process.kill(ownSandboxProcess().pid, 'SIGKILL');
      await gate.opened;
      // Begun anew, it would hardly have come as far by now.
      const savedAgain = await sandbox.save(id);
      expect(savedAgain?.fuel).toBeGreaterThan(saved?.fuel ?? forEver);
      expect({ ...(await end), wallMs: 0 }).toEqual({ ...stayed, wallMs: 0 });
    },
  );

  it('twice under a run, that run is host_error and its neighbours end well', async () => {
    const sandbox = open({ threads: 2 });
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
    const sandbox = open({ threads: 2 });
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
    const sandbox = open({ threads: 1, memoryLimit: 200 * 1024 * 1024 });
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
