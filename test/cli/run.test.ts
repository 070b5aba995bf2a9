/** `manyhands run`: one kernel, here, with kernels written for the purpose. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import wabt from 'wabt';
import { sandboxProcesses } from '../worker/sandbox/processes.ts';
import { manyhands, root, startManyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
const run = (...args: string[]) => manyhands(['run', ...args], { home });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const reportOf = (name: string) => JSON.parse(readFileSync(join(home, name), 'utf8'));

/** WASI calls that the kernels below use, and a memory with room for what they say. */
const preamble = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $write (param $fd i32) (param $at i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $bytes))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))`;

const checkpointDoor = '(import "manyhands" "checkpoint" (func $checkpoint))';

const kernels: Record<string, string> = {
  hello:
    '(data (i32.const 100) "hello\\n") (func (export "_start") (call $write (i32.const 1) (i32.const 100) (i32.const 6)))',
  complain: `(data (i32.const 100) "no good\\n") (func (export "_start")
    (call $write (i32.const 2) (i32.const 100) (i32.const 8)) (call $proc_exit (i32.const 7)))`,
  checkpointing:
    '(func (export "_start") (local $i i32) (loop (call $checkpoint) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9)))))',
  exit256: '(func (export "_start") (call $proc_exit (i32.const 256)))',
  trap: '(func (export "_start") unreachable)',
  endless: '(func (export "_start") (loop (br 0)))',
  greedy:
    '(func (export "_start") (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable)',
  chatty:
    '(func (export "_start") (loop (call $write (i32.const 1) (i32.const 100) (i32.const 1000)) (br 0)))',
  echo: `(func (export "_start") (local $bytes i32)
    (i32.store (i32.const 0) (i32.const 1000)) (i32.store (i32.const 4) (i32.const 4000))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write (i32.const 1) (i32.const 1000) (i32.load (i32.const 8))))`,
  arguments: `(func (export "_start")
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 100) (i32.const 1000)))
    (call $write (i32.const 1) (i32.const 1000) (i32.load (i32.const 20))))`,
  // Opens the file "out/made" below the first preopened folder, making it, and writes into it.
  maker: `(data (i32.const 100) "out/made") (data (i32.const 200) "made it") (func (export "_start")
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 8) (i32.const 1)
          (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))
      (then (call $proc_exit (i32.const 1))))
    (call $write (i32.load (i32.const 16)) (i32.const 200) (i32.const 7)))`,
  // Opens "data/in" and writes what it holds.
  reader: `(data (i32.const 100) "data/in") (func (export "_start")
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 7) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
      (then (call $proc_exit (i32.const 1))))
    (i32.store (i32.const 0) (i32.const 1000)) (i32.store (i32.const 4) (i32.const 4000))
    (drop (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $write (i32.const 1) (i32.const 1000) (i32.load (i32.const 8))))`,
};

beforeAll(async () => {
  const { parseWat } = await wabt();
  for (const [name, body] of Object.entries(kernels)) {
    const doors = body.includes('$checkpoint') ? checkpointDoor : '';
    const module = parseWat(`${name}.wat`, `(module ${doors} ${preamble} ${body})`);
    writeFileSync(join(home, `${name}.wasm`), module.toBinary({}).buffer);
    module.destroy();
  }
});

describe('a kernel that comes to its exit', () => {
  test('has its stdout on stdout, nothing else, and code 0', async () => {
    expect(await run('hello.wasm')).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  test('has its stderr on stderr and its exit code as the exit code', async () => {
    expect(await run('complain.wasm')).toMatchObject({ code: 7, stdout: '', stderr: 'no good\n' });
  });

  test('does not look successful when its code does not fit into a process’s', async () => {
    expect((await run('exit256.wasm')).code).not.toBe(0);
  });

  test('reads the stdin file, or ours for a dash, or nothing', async () => {
    writeFileSync(join(home, 'input.txt'), 'from a file');
    expect((await run('echo.wasm', '--stdin', 'input.txt')).stdout).toBe('from a file');
    const ours = await manyhands(['run', 'echo.wasm', '--stdin', '-'], { home, input: 'from us' });
    expect(ours.stdout).toBe('from us');
    const nothing = await manyhands(['run', 'echo.wasm'], { home, input: 'from us' });
    expect(nothing.stdout).toBe('');
  });

  test('is called by a name of our choice, with what follows the dashes', async () => {
    expect((await run('arguments.wasm', '--', '--url', '{p}')).stdout).toBe('kernel\0--url\0{p}\0');
    expect((await run('arguments.wasm', '--argv0', 'x')).stdout).toBe('x\0');
  });

  test('finds the files that it is given, and only those it wrote come out', async () => {
    writeFileSync(join(home, 'in=put'), 'the input');
    const args = ['--file', '/data/in=in=put', '--out', 'read', '--report', 'read.json'];
    expect((await run('reader.wasm', ...args)).stdout).toBe('the input');
    expect(reportOf('read.json').files).toEqual({});
    expect(existsSync(join(home, 'read'))).toBe(false);
    expect((await run('reader.wasm')).code).toBe(1);
  });

  test('leaves the files that it wrote in the folder, and their digests in the report', async () => {
    const { code } = await run('maker.wasm', '--out', 'made', '--report', 'made.json');
    expect(code).toBe(0);
    expect(readFileSync(join(home, 'made/out/made'), 'utf8')).toBe('made it');
    expect(reportOf('made.json').files).toEqual({
      '/out/made': { bytes: 7, sha256: sha256('made it') },
    });
  });

  test('is reported with outcome, code, fuel and digest, the same every time', async () => {
    await run('complain.wasm', '--report', 'one.json');
    await run('complain.wasm', '--report', 'two.json');
    const { wallMs, ...one } = reportOf('one.json');
    expect(one).toMatchObject({ outcome: 'kernel_exit', exitCode: 7, stdoutSha256: sha256('') });
    expect(one.fuel).toMatch(/^[1-9][0-9]*$/);
    expect(wallMs).toBeGreaterThanOrEqual(0);
    expect(reportOf('two.json')).toMatchObject(one);
  });
});

describe('a kernel that does not', () => {
  const endings: [string, string, string[]][] = [
    ['kernel_trap', 'trap.wasm', []],
    ['fuel_exhausted', 'endless.wasm', ['--fuel-max', '1000000']],
    ['memory_exceeded', 'greedy.wasm', ['--memory-max', '1048576']],
    ['output_exceeded', 'chatty.wasm', ['--output-max', '5000']],
  ];
  test.each(endings)('ends with code 9 and %s on stderr', async (outcome, kernel, args) => {
    const { code, stderr } = await run(kernel, ...args, '--report', `${outcome}.json`);
    expect(stderr).toContain(outcome);
    expect(code).toBe(9);
    expect(reportOf(`${outcome}.json`)).toMatchObject({ outcome, exitCode: null });
  });

  test('is stopped by Ctrl-C, with code 130', async () => {
    const running = startManyhands(['run', 'endless.wasm'], { home });
    // Once its sandbox is there it listens for signals.
    await vi.waitUntil(
      () => sandboxProcesses().some(({ parent }) => parent === running.pid),
      20_000,
    );
    running.kill('SIGINT');
    const { code } = await running.ended;
    expect(code).toBe(130);
  });
});

describe('kernel inspect', () => {
  test('accepts a kernel, and tells its size, memory and imports', async () => {
    const { code, stdout } = await manyhands(['kernel', 'inspect', 'hello.wasm'], { home });
    expect(stdout).toMatch(/^hello\.wasm: accepted\n/);
    expect(stdout).toMatch(/memory +1 page of/);
    expect(stdout).toMatch(/imports +wasi_snapshot_preview1: fd_write/);
    expect(code).toBe(0);
  });

  test('says why a module is no kernel, with code 2', async () => {
    writeFileSync(join(home, 'no.wasm'), 'no kernel');
    const { code, stdout } = await manyhands(['kernel', 'inspect', 'no.wasm', '--json'], { home });
    expect(JSON.parse(stdout)).toMatchObject({ accepted: false, refusal: { reason: 'not_wasm' } });
    expect(code).toBe(2);
  });
});

describe('kernel meter', () => {
  test('writes a copy that is larger, and refuses to meter that again', async () => {
    const meter = (from: string, to: string) =>
      manyhands(['kernel', 'meter', from, '-o', to], { home });
    expect((await meter('hello.wasm', 'metered.wasm')).code).toBe(0);
    const sizeOf = (name: string) => readFileSync(join(home, name)).length;
    expect(sizeOf('metered.wasm')).toBeGreaterThan(sizeOf('hello.wasm'));
    const { code, stderr } = await meter('metered.wasm', 'twice.wasm');
    expect(stderr).toContain('export_reserved');
    expect(code).toBe(2);
  });
});

describe('a kernel for a migratable job', () => {
  test('burns the same fuel, or is refused with what to change', async () => {
    await run('checkpointing.wasm', '--report', 'plain.json');
    await run('checkpointing.wasm', '--migratable', '--report', 'migratable.json');
    const { wallMs, ...plain } = reportOf('plain.json');
    expect(plain).toMatchObject({ outcome: 'success' });
    expect(reportOf('migratable.json')).toMatchObject(plain);
    for (const args of [['run'], ['kernel', 'meter', '-o', 'refused.wasm']]) {
      const { code, stderr } = await manyhands([...args, '--migratable', 'hello.wasm'], { home });
      expect(stderr).toContain('checkpoint_impossible');
      expect(stderr).toContain('manyhands.checkpoint()');
      expect(code).toBe(2);
    }
  });
});

describe('kernel build', () => {
  test('compiles AssemblyScript to the same bytes every time, and they run', async () => {
    const source = join(root, 'jobs/mersenne/assembly/kernel.ts');
    for (const out of ['one.wasm', 'two.wasm']) {
      expect((await manyhands(['kernel', 'build', source, '-o', out], { home })).code).toBe(0);
    }
    expect(readFileSync(join(home, 'one.wasm'))).toEqual(readFileSync(join(home, 'two.wasm')));
    const { stdout } = await run('one.wasm', '--', '--exponent', '31');
    expect(JSON.parse(stdout)).toMatchObject({ exponent: 31, prime: true });
  });

  test('shows what the compiler says of a source that does not compile', async () => {
    writeFileSync(join(home, 'wrong.ts'), 'let x: i32 = "a";');
    const { code, stderr } = await manyhands(['kernel', 'build', 'wrong.ts', '-o', 'x.wasm'], {
      home,
    });
    expect(stderr).toMatch(
      /error\[kernel_unbuildable\]: .*\n(.*\n)*.*not assignable to type 'i32'/,
    );
    expect(code).toBe(2);
  });
});
