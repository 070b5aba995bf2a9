/** Runs that go on in a process of their own, from dist/, which has never seen the kernel. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import type { PackedSnapshot } from '../../../../worker/sandbox/checkpoint/pack.ts';
import type { UnitEnd, UnitRun } from '../../../../worker/sandbox/sandbox.ts';

export const dist = fileURLToPath(new URL('../../../../dist', import.meta.url));
export const program = fileURLToPath(new URL('resume-elsewhere.mjs', import.meta.url));

export interface Request {
  wasm: Uint8Array;
  run: UnitRun;
  packed: PackedSnapshot | null;
  bytesMax: number;
  isToStop: boolean;
}
export type Answer = { end: UnitEnd } | { packed: PackedSnapshot };

export function inProcess(request: Request): Answer {
  const { stdout, stderr } = spawnSync(process.execPath, [program], {
    input: serialize({ ...request, dist }),
    maxBuffer: 64 * 1024 * 1024,
  });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return deserialize(stdout);
}
