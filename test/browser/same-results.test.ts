import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { describeInChromium } from '../support/chromium.ts';
import {
  byName,
  type Comparable,
  compilers,
  runInChromium,
  runInNode,
} from '../support/everywhere.ts';
import { nanRuns } from '../support/nan-runs.ts';
import { type PageServer, servePage } from '../support/page-server.ts';
import { sampleRuns } from '../support/sample-runs.ts';

const samples = [...sampleRuns(), ...nanRuns()];
let inNode: Comparable[] = [];
beforeAll(() => {
  inNode = runInNode(samples, []);
});

/** As numbers are read, the highest byte first. */
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');
const named = (ends: Comparable[]) => byName(samples, ends);

it("the sample runs end in every way that is a kernel's own", () => {
  const outcomes = new Set(inNode.map(({ outcome }) => outcome));
  expect([...outcomes].sort()).toEqual([
    'fuel_exhausted',
    'kernel_exit',
    'kernel_trap',
    'memory_exceeded',
    'output_exceeded',
    'success',
  ]);
});

describe('[S3] bytes, fuel and outcome in Node are the same', () => {
  it.each(compilers)('%s', (_, v8Flags) => {
    expect(named(runInNode(samples, v8Flags))).toEqual(named(inNode));
  });
});

describe('kernels that write out NaNs', () => {
  const nans = nanRuns();

  it('are known to the inspector', () => {
    const unknown = nans.filter(({ kernel }) => !inspectKernel(kernel).floatStores);
    expect(unknown).toEqual([]);
  });

  it('[S3] write the canonical one, in the place of each that was computed', () => {
    const written = inNode.slice(-nans.length).map(({ stdout }) => hexOf(stdout));
    const canonical = ['7fc00000', '7ff8000000000000'];
    expect(written.filter((hex) => !canonical.some((nan) => hex.includes(nan)))).toEqual([]);
  });

  it('would differ between compilers if the meter left them as they come', () => {
    const asTheyCome = nans.map((nan) => ({
      ...nan,
      wasm: meterKernel(nan.kernel, { memoryPagesMax: 256, nans: 'any' }).wasm,
    }));
    const [first, ...others] = compilers.map(([, flags]) =>
      runInNode(asTheyCome, flags).map(({ stdout }) => hexOf(stdout)),
    );
    expect(others.some((other) => other.join() !== first?.join())).toBe(true);
  });
});

describeInChromium('[S3] bytes, fuel and outcome in Chromium are those of Node', () => {
  let server: PageServer;
  beforeAll(async () => {
    server = await servePage();
  });
  afterAll(() => server.close());

  it.each(compilers)('%s', async (_, v8Flags) => {
    expect(named(await runInChromium(samples, v8Flags, server))).toEqual(named(inNode));
  });
});
