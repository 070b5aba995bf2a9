/** Kernels prepared as a coordinator does it, in the thread of the built program. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FolderArtifacts } from '../../../coordinator/artifacts/folder-artifacts.ts';
import type { KernelNeeds } from '../../../coordinator/domain/job.ts';
import { Kernels } from '../../../coordinator/kernels/kernels.ts';
import { runKernel } from '../../../worker/sandbox/runner.ts';
import { aProgram, aRun, wasmOf } from '../../worker/sandbox/a-kernel.ts';
import { runInPieces } from '../../worker/sandbox/checkpoint/a-stoppable-kernel.ts';

let folder: string;
let artifacts: FolderArtifacts;
let kernels: Kernels;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mh-kernels-'));
  artifacts = await FolderArtifacts.open(folder);
  kernels = new Kernels(artifacts);
});
afterAll(() => rm(folder, { recursive: true }));

async function uploaded(wasm: Uint8Array): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(wasm).digest('hex')}`;
  await artifacts.write('input', digest, [wasm]);
  return digest;
}

const needs: KernelNeeds = { memoryBytesMax: 2 ** 24, nans: 'same', isMigratable: false };
const migratable = { ...needs, isMigratable: true };

async function moduleOf(digest: string, how: KernelNeeds): Promise<WebAssembly.Module> {
  const { meteredDigest } = await kernels.prepare(digest, how);
  return new WebAssembly.Module(new Uint8Array(await artifacts.readAll('input', meteredDigest)));
}
const exportsOf = (module: WebAssembly.Module) =>
  WebAssembly.Module.exports(module).map(({ name }) => name);

const work = '(i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 3)))';
const calling = wasmOf(
  aProgram(['checkpoint'], `${work} (call $checkpoint) ${work} (call $checkpoint) ${work}`),
);
const stepped = wasmOf(`(module (import "manyhands" "checkpoint" (func $checkpoint))
  (memory (export "memory") 1) (global $n (mut i32) (i32.const 3))
  (func (export "_start") (call $checkpoint))
  (func (export "step") (result i32) ${work}
    (global.set $n (i32.sub (global.get $n) (i32.const 1))) (global.get $n)))`);

const manyLoops = (count: number) => {
  const loops = Array.from(
    { length: count },
    (_, i) =>
      `(func $f${i} (loop $again (call $checkpoint) (br_if $again (i32.load (i32.const 0)))))`,
  );
  const table = `(table funcref (elem ${loops.map((_, i) => `$f${i}`).join(' ')}))`;
  return wasmOf(
    aProgram(['checkpoint'], '(call_indirect (i32.const 0))', `${loops.join('\n')} ${table}`),
  );
};

describe('that was remembered, and cleared since', () => {
  const clear = async (digest: string) => {
    await artifacts.setAside('input', digest);
    for await (const one of artifacts.list()) if (one.isAside) await artifacts.removeAside(one);
    expect(await artifacts.size('input', digest)).toBeNull();
  };

  test('is metered again, once', async () => {
    const digest = await uploaded(stepped);
    const { meteredDigest } = await kernels.prepare(digest, needs);
    await clear(meteredDigest);
    const again = await Promise.all([1, 2, 3].map(() => kernels.prepare(digest, needs)));
    expect(again.map((kernel) => kernel.meteredDigest)).toEqual(Array(3).fill(meteredDigest));
    expect(new Set(again).size).toBe(1);
    expect(await artifacts.size('input', meteredDigest)).not.toBeNull();
  });

  test('has to be uploaded again', async () => {
    const digest = await uploaded(calling);
    await kernels.prepare(digest, needs);
    await clear(digest);
    await expect(kernels.prepare(digest, needs)).rejects.toMatchObject({
      code: 'artifact_unknown',
    });
    await uploaded(calling);
    expect(await kernels.prepare(digest, needs)).toMatchObject({ digest });
  });
});

describe('for a migratable job', () => {
  test('[S3] a kernel that calls checkpoint() can be stopped there, and burns the same fuel', async () => {
    const digest = await uploaded(calling);
    const plain = await moduleOf(digest, needs);
    const able = await moduleOf(digest, migratable);
    const end = runKernel(plain, aRun());
    expect(end).toMatchObject({ outcome: 'success' });
    expect(runInPieces(plain, aRun())).toEqual({ end, stops: 0 });
    expect(runInPieces(able, aRun())).toEqual({ end, stops: 2 });
  });

  test('[S3] a kernel with step() is stopped between its steps, and is not slowed down for it', async () => {
    const digest = await uploaded(stepped);
    const able = await moduleOf(digest, migratable);
    const end = runKernel(await moduleOf(digest, needs), aRun());
    expect(runInPieces(able, aRun())).toEqual({ end, stops: 3 });
    expect(exportsOf(able)).not.toContain('manyhands_start_unwind');
  });

  test('the same kernel is another module than for any other job, and both are remembered', async () => {
    const digest = await uploaded(calling);
    const both = [needs, migratable, needs, migratable];
    const [plain, able, ...again] = await Promise.all(both.map((n) => kernels.prepare(digest, n)));
    expect(plain?.meteredDigest).not.toBe(able?.meteredDigest);
    expect(again).toEqual([plain, able]);
  });

  const refusals: [string, Uint8Array, RegExp][] = [
    [
      'without steps or checkpoints',
      wasmOf(aProgram([], work)),
      /checkpoint_impossible .*saved nowhere.*call manyhands\.checkpoint\(\).* leave "migratable" out/,
    ],
    [
      'with state that cannot be saved',
      wasmOf(aProgram(['checkpoint'], work, '(global (mut v128) (v128.const i64x2 0 0))')),
      /checkpoint_impossible .*mutable global holds a vector/,
    ],
    [
      'in which too many functions may be stopped',
      manyLoops(4_001),
      /limit_exceeded at byte \d+, in function \d+: 4002 functions.* lead to checkpoint\(\).* Call checkpoint\(\) in few places/,
    ],
    [
      'that was asyncified by its author',
      wasmOf(aProgram(['checkpoint'], work, '(func (export "asyncify_start_unwind") (param i32))')),
      /export_reserved .*Asyncify's own export/,
    ],
    [
      'that is not valid',
      wasmOf(aProgram(['checkpoint'], '(drop (i32.add (i32.const 1) (i64.const 1)))')),
      /malformed .*types/,
    ],
  ];
  test.each(refusals)('a kernel %s is refused', async (_, wasm, why) => {
    const digest = await uploaded(wasm);
    await expect(kernels.prepare(digest, migratable)).rejects.toMatchObject({
      code: 'kernel_refused',
      message: expect.stringMatching(why),
    });
  });
});
