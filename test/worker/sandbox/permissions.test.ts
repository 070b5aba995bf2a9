/** What the code of the sandbox process could do if a kernel ever got hold of it: next to nothing. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { permissionFlags, programFile } from '../../../worker/sandbox/node/program.ts';

/** Runs a line of JavaScript with the flags of the sandbox process. */
const attempt = (line: string): string => {
  const flags = ['--no-warnings', ...permissionFlags()];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', line], {
    encoding: 'utf8',
  });
  return stdout + stderr;
};

describe('[S1] the sandbox process', () => {
  it.each([
    ['read a file', `require('node:fs').readFileSync('${import.meta.filename}')`],
    ['list a folder', "require('node:fs').readdirSync('/')"],
    ['write a file', "require('node:fs').writeFileSync('/tmp/manyhands-escaped', '')"],
    ['start a program', "require('node:child_process').spawnSync('ls')"],
    ['load native code', "process.dlopen({ exports: {} }, '/tmp/escape.node')"],
  ])('may not %s', (_, line) => {
    expect(attempt(line)).toMatch(/ERR_ACCESS_DENIED|ERR_DLOPEN_DISABLED/);
  });

  it('may read its own code', () => {
    const line = `process.stdout.write(require('node:fs').readFileSync('${programFile}', 'utf8'))`;
    expect(attempt(line)).toContain('process.on(');
  });
});
