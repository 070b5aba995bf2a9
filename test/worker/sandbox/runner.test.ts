import { describe, expect, it } from 'vitest';
import { runKernel } from '../../../worker/sandbox/runner.ts';
import type { UnitRun } from '../../../worker/sandbox/sandbox.ts';
import { aKernel, aProgram, aRun, text, wasmOf } from './a-kernel.ts';

const endOf = (wat: string, changes: Partial<UnitRun> = {}, memoryPagesMax?: number) =>
  runKernel(aKernel(wat, memoryPagesMax), aRun(changes));

/** Writes so many bytes from address 64 to a descriptor. */
const write = (descriptor: number, length: number) =>
  `(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const ${length}))
   (drop (call $fd_write (i32.const ${descriptor}) (i32.const 0) (i32.const 1) (i32.const 8)))`;
/** Opens the path at address 64, to create and to write, as descriptor 4. */
const create = (pathLength: number) =>
  `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const ${pathLength})
     (i32.const 1) (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 8)))`;
const data = (content: string) => `(data (i32.const 64) "${content}")`;
const spin = '(loop $again (br $again))';

describe('the outcome of a run is', () => {
  it('success when _start returns', () => {
    expect(endOf(aProgram([], ''))).toMatchObject({ outcome: 'success', exitCode: 0, detail: '' });
  });

  it('success when the kernel exits with 0', () => {
    const end = endOf(aProgram(['proc_exit'], '(call $proc_exit (i32.const 0)) (unreachable)'));
    expect(end).toMatchObject({ outcome: 'success', exitCode: 0 });
  });

  it('kernel_exit when it exits with another code, and what it wrote is kept', () => {
    const end = endOf(
      aProgram(
        ['fd_write', 'proc_exit'],
        `${write(1, 4)} (call $proc_exit (i32.const 3))`,
        data('half'),
      ),
    );
    expect(end).toMatchObject({
      outcome: 'kernel_exit',
      exitCode: 3,
      detail: 'The kernel exited with code 3.',
    });
    expect(text(end.stdout)).toBe('half');
  });

  it('kernel_trap when it traps, with the reason and its last words', () => {
    const end = endOf(aProgram(['fd_write'], `${write(2, 4)} (unreachable)`, data('oops')));
    expect(end).toMatchObject({ outcome: 'kernel_trap', exitCode: null });
    expect(end.detail).toContain('unreachable');
    expect(text(end.stderr)).toBe('oops');
  });

  it('kernel_trap when it calls itself too deep, and says so', () => {
    const recursive = `(module (memory (export "memory") 1)
      (func $deeper (param i32) (result i32)
        (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
      (func (export "_start") (drop (call $deeper (i32.const 0)))))`;
    const end = endOf(recursive);
    expect(end.outcome).toBe('kernel_trap');
    expect(end.detail).toContain('call stack');
  });

  it('kernel_trap when its data does not fit its memory', () => {
    const end = endOf(aProgram([], '', '(data (i32.const 65535) "two bytes")'));
    expect(end).toMatchObject({ outcome: 'kernel_trap', fuel: 0 });
  });

  it('fuel_exhausted when its fuel ends, and all of it is spent', () => {
    const end = endOf(aProgram([], spin), { fuelMax: 1000 });
    expect(end).toMatchObject({ outcome: 'fuel_exhausted', exitCode: null, fuel: 1000 });
    expect(end.detail).toContain('limits.fuelMax, 1000');
  });

  it('fuel_exhausted even when it came to its end with more than it had', () => {
    const ends = aProgram([], '(drop (i32.div_u (i32.const 1) (i32.const 1)))');
    const { fuel } = endOf(ends);
    expect(endOf(ends, { fuelMax: fuel }).outcome).toBe('success');
    expect(endOf(ends, { fuelMax: fuel - 1 }).outcome).toBe('fuel_exhausted');
  });

  it('memory_exceeded when it traps after memory was refused for the limit', () => {
    const grows = aProgram(
      [],
      '(if (i32.eq (memory.grow (i32.const 9)) (i32.const -1)) (then (unreachable)))',
    );
    expect(endOf(grows, {}, 10)).toMatchObject({ outcome: 'success' });
    const end = endOf(grows, {}, 9);
    expect(end).toMatchObject({ outcome: 'memory_exceeded', exitCode: null });
    expect(end.detail).toContain('limits.memoryBytesMax');
  });

  it('its own when it copes with refused memory, with a hint in the detail of an exit', () => {
    const copes = aProgram([], '(drop (memory.grow (i32.const 9)))');
    expect(endOf(copes, {}, 9)).toMatchObject({ outcome: 'success', detail: '' });
    const exits = aProgram(
      ['proc_exit'],
      '(drop (memory.grow (i32.const 9))) (call $proc_exit (i32.const 1))',
    );
    const end = endOf(exits, {}, 9);
    expect(end).toMatchObject({ outcome: 'kernel_exit', exitCode: 1 });
    expect(end.detail).toContain('refused memory');
  });

  it('output_exceeded at the write that passes the bound, which is not kept', () => {
    const writes = aProgram(['fd_write'], `${write(1, 6)} ${write(1, 6)}`, data('twelve'));
    expect(endOf(writes, { outputBytesMax: 12 }).outcome).toBe('success');
    const end = endOf(writes, { outputBytesMax: 11 });
    expect(end.outcome).toBe('output_exceeded');
    expect(end.detail).toContain('11 bytes');
    expect(text(end.stdout)).toBe('twelve');
  });

  it('output_exceeded when stdout and files together pass the bound', () => {
    const writes = aProgram(
      ['fd_write', 'path_open'],
      `${create(5)} ${write(4, 5)} ${write(1, 5)}`,
      data('out/a'),
    );
    const outputs = ['/out/*'];
    expect(endOf(writes, { outputs, outputBytesMax: 10 }).outcome).toBe('success');
    const end = endOf(writes, { outputs, outputBytesMax: 9 });
    expect(end).toMatchObject({ outcome: 'output_exceeded', exitCode: null, files: {} });
  });

  it('host_error for a module that nobody metered', () => {
    const module = new WebAssembly.Module(wasmOf(aProgram([], spin)));
    const end = runKernel(module, aRun());
    expect(end.outcome).toBe('host_error');
    expect(end.detail).toContain('no metered kernel');
  });

  it('host_error for input paths that contradict each other', () => {
    const files = { '/data': new Uint8Array(1), '/data/more': new Uint8Array(1) };
    expect(endOf(aProgram([], ''), { files })).toMatchObject({ outcome: 'host_error', fuel: 0 });
  });
});

describe('a kernel', () => {
  it('[S3] gives the same bytes and the same fuel each time it runs', () => {
    const random = aProgram(
      ['random_get', 'clock_time_get', 'fd_write'],
      `(drop (call $random_get (i32.const 64) (i32.const 20)))
       (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 84))) ${write(1, 28)}`,
    );
    const first = endOf(random, { seed: 7n });
    expect(first.stdout.length).toBe(28);
    expect(endOf(random, { seed: 7n })).toEqual(first);
    expect(endOf(random, { seed: 8n }).stdout).not.toEqual(first.stdout);
  });

  it('[S1] cannot tell the date: its clock starts in 2001 and moves with its fuel', () => {
    const looks = aProgram(
      ['clock_time_get', 'fd_write'],
      `(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 64)))
       (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 72))) ${write(1, 16)}`,
    );
    const { stdout } = endOf(looks);
    const view = new DataView(stdout.buffer);
    const [first, second] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    expect(new Date(Number(first / 1_000_000n)).getFullYear()).toBe(2001);
    expect(second).toBeGreaterThan(first);
  });

  it('sees its arguments and, sorted, its environment', () => {
    const echoes = aProgram(
      ['args_get', 'environ_get', 'fd_write'],
      `(drop (call $args_get (i32.const 16) (i32.const 64)))
       (drop (call $environ_get (i32.const 16) (i32.const 74))) ${write(1, 20)}`,
    );
    const end = endOf(echoes, { args: ['kernel', '-v'], env: { b: '2', a: 'é' } });
    expect(text(end.stdout)).toBe('kernel\0-v\0a=é\0b=2\0\0');
  });

  it('reads its stdin to the end', () => {
    const copies = aProgram(
      ['fd_read', 'fd_write'],
      `(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))
       (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
       (i32.store (i32.const 4) (i32.load (i32.const 8)))
       (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
    );
    const end = endOf(copies, { stdin: new TextEncoder().encode('in goes out') });
    expect(text(end.stdout)).toBe('in goes out');
  });

  it('returns the files that match and that it wrote, and no input that it left alone', () => {
    const writes = aProgram(
      ['fd_write', 'path_open'],
      `${create(5)} ${write(4, 5)}`,
      data('out/a'),
    );
    const files = { '/out/given': new Uint8Array(3), '/b': new Uint8Array(2) };
    const end = endOf(writes, { files, outputs: ['/out/*', '/b'] });
    expect(Object.keys(end.files)).toEqual(['/out/a']);
    expect(text(end.files['/out/a'] ?? new Uint8Array(0))).toBe('out/a');
  });

  it('returns an input that it changed, while the caller keeps its bytes', () => {
    const changes = aProgram(
      ['fd_write', 'path_open'],
      `${create(5)} ${write(4, 2)}`,
      data('out/a'),
    );
    const input = new TextEncoder().encode('INPUT');
    const end = endOf(changes, { files: { '/out/a': input }, outputs: ['/out/*'] });
    expect(text(end.files['/out/a'] ?? new Uint8Array(0))).toBe('ouPUT');
    expect(text(input)).toBe('INPUT');
  });

  it('keeps only the end of a long stderr, which is no output', () => {
    const chatters = aProgram(
      ['fd_write'],
      `(local $i i32) (loop $again ${write(2, 1000)}
         (local.set $i (i32.add (local.get $i) (i32.const 1)))
         (br_if $again (i32.lt_u (local.get $i) (i32.const 100))))
       (memory.fill (i32.const 64) (i32.const 46) (i32.const 3)) ${write(2, 3)}`,
    );
    const end = endOf(chatters, { outputBytesMax: 10 });
    expect(end.outcome).toBe('success');
    expect(end.stderr.length).toBe(16 * 1024);
    expect(text(end.stderr.slice(-4))).toBe('\0...');
  });

  it('tells its progress, of which nonsense is not passed on', () => {
    const tells = aProgram(
      ['progress', 'checkpoint'],
      `(call $progress (f64.const 0.25)) (call $checkpoint) (call $progress (f64.const nan))
       (call $progress (f64.const 2)) (call $progress (f64.const 1))`,
    );
    const told: number[] = [];
    const end = runKernel(aKernel(tells), aRun(), (fraction) => told.push(fraction));
    expect(end.outcome).toBe('success');
    expect(told).toEqual([0.25, 1]);
  });

  it('[S2] pays for what its calls make the host do', () => {
    const fills = (length: number) =>
      aProgram(['random_get'], `(drop (call $random_get (i32.const 0) (i32.const ${length})))`);
    const [little, much] = [endOf(fills(1)).fuel, endOf(fills(50_001)).fuel];
    expect(much - little).toBe(100_000);
    expect(endOf(fills(50_001), { fuelMax: 90_000 }).outcome).toBe('fuel_exhausted');
  });
});
