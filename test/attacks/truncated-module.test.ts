import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';

const whole = new Uint8Array(
  readFileSync(new URL('../../dist/jobs/mersenne/kernel.wasm', import.meta.url)),
);

it('[P1] a real kernel, cut off anywhere, is refused, unless what is left is one that is valid', () => {
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length);
    const { accepted, refusal } = inspectKernel(cut);
    // Cut off before its data, or before the names of its functions, it is whole.
    if (accepted) expect(WebAssembly.validate(cut), `${length} bytes`).toBe(true);
    else expect(refusal?.offset).toBeLessThanOrEqual(length);
  }
});
