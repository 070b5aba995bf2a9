import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostKernel, type KernelHost } from './kernel-host.ts';

let host: KernelHost;
beforeAll(() => {
  host = hostKernel('test/jobs/assembly/probe.ts');
});
afterAll(() => host.close());

describe('a kernel of the SDK', () => {
  it('sees its arguments, in any script', () => {
    expect(host.run(['args', '', 'größe', '日本']).stdout).toBe('kernel|args||größe|日本\n');
  });

  it('reads options by name', () => {
    const given = ['--name', 'Lucas', '--count', '42', '--factor', '-1.5e3'];
    expect(host.run(['options', ...given]).stdout).toBe('Lucas 42 -1500.0\nslow\n7\n');
    expect(host.run(['options', ...given, '--quick', '--seed', '9']).stdout).toBe(
      'Lucas 42 -1500.0\nquick\n9\n',
    );
  });

  it.each([
    ['no value', ['--count'], '--count needs a whole number'],
    ['no number', ['--count', '-1'], '--count needs a whole number, not -1'],
    ['too many digits', ['--count', '1'.repeat(19)], 'not 1111111111111111111'],
    ['no factor', ['--count', '1', '--factor', 'x'], '--factor needs a number'],
  ])('ends with code 2 and a sentence on an option with %s', (_what, options, sentence) => {
    const end = host.run(['options', '--name', 'x', ...options]);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toContain(sentence);
  });

  it('sees the environment', () => {
    const end = host.run(['env'], { env: { OTHER: 'x', MANYHANDS_UNIT_INDEX: '12' } });
    expect(end.stdout).toBe('12 null\n');
  });

  it('reads all of stdin, however long', () => {
    const stdin = 'wörds and more words\n'.repeat(20_000);
    expect(host.run(['stdin'], { stdin }).stdout).toBe(`${stdin}\n`);
    expect(host.run(['stdin']).stdout).toBe('\n');
  });

  it('reads and writes files', () => {
    const original = new Uint8Array(200_000).map((_, i) => i * i);
    const end = host.run(['copy'], { data: { original } });
    expect(end.exitCode).toBe(0);
    expect(host.data('copy')).toEqual(original);
  });

  it('prints numbers that read back', () => {
    expect(host.run(['numbers']).stdout).toBe(
      '0.1 -1.5e+300 3.0 null null\n00000000DEADBEEF FFFFFFFFFFFFFFFF -9223372036854775808\n',
    );
  });

  it('may tell its progress', () => {
    const told: number[] = [];
    expect(host.run(['progress'], { progress: (done) => told.push(done) }).exitCode).toBe(0);
    expect(told).toEqual([0.5]);
  });

  it('chooses its exit code', () => {
    expect(host.run(['exit'])).toEqual({ exitCode: 3, stdout: '', stderr: '' });
    expect(host.run(['fail'])).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: 'the sky is not blue\n',
    });
  });

  it('traps with a sentence on an error it did not foresee', () => {
    expect(host.run(['abort'])).toEqual({
      exitCode: null,
      stdout: '',
      stderr: expect.stringMatching(/^before\nkernel aborted: Index out of range at .*\n$/),
    });
    expect(host.run(['missing'])).toMatchObject({
      exitCode: null,
      stderr: expect.stringContaining('cannot open /data/nowhere'),
    });
  });
});

describe('a kernel that does not know the SDK', () => {
  it('has a console, chance, and an end in a trap with a sentence', () => {
    const plain = hostKernel('test/jobs/assembly/without-sdk.ts');
    try {
      expect(plain.run([])).toEqual({
        exitCode: null,
        stdout: 'hello world\n',
        stderr: expect.stringMatching(/^to stderr\nkernel aborted: as told at without-sdk.*\n$/),
      });
    } finally {
      plain.close();
    }
  });
});
