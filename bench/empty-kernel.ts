import { createHash } from 'node:crypto';

/**
 * The smallest WASI command: a memory and a `_start` that does nothing. Written out byte by byte,
 * because a bench that measures the coordinator should need no compiler.
 */
export function emptyKernel(): { digest: string; wasm: Uint8Array<ArrayBuffer> } {
  const text = (name: string) => [name.length, ...Buffer.from(name)];
  const section = (id: number, ...body: number[]) => [id, body.length, ...body];
  const wasm = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0x00, 1),
    ...section(7, 2, ...text('memory'), 0x02, 0, ...text('_start'), 0x00, 0),
    ...section(10, 1, 2, 0, 0x0b),
  ]);
  return { wasm, digest: `sha256:${createHash('sha256').update(wasm).digest('hex')}` };
}
