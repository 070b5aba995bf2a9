/** A bench kernel as a native program: it runs once whenever it is told, and times itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type NativeProgram = {
  run(): Promise<{ checksum: number; ms: number }>;
  close(): Promise<void>;
};

export function startNative(program: string): NativeProgram {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run() {
      child.stdin.write('.');
      const { value, done } = await lines.next();
      if (done) throw new Error(`${program} ended in the middle of a bench`);
      const [checksum, ns] = String(value).split(' ').map(Number);
      return { checksum: checksum ?? Number.NaN, ms: (ns ?? Number.NaN) / 1e6 };
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'close');
    },
  };
}
