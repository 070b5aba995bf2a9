import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
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

const samples = sampleRuns();
let inNode: Comparable[] = [];
beforeAll(() => {
  inNode = runInNode(samples, []);
});

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

describe('[S3] the bits of a NaN, which may differ between compilers', () => {
  const nans = nanRuns();

  it('come from kernels that the inspector warns of', () => {
    const unwarned = nans.filter(({ kernel }) => !inspectKernel(kernel).floatStores);
    expect(unwarned).toEqual([]);
  });

  it('are all that differs: fuel and outcome are the same', () => {
    const withoutBits = (ends: Comparable[]) => ends.map(({ stdout: _, ...rest }) => rest);
    const [first = [], ...others] = compilers.map(([, flags]) =>
      withoutBits(runInNode(nans, flags)),
    );
    for (const other of others) expect(other).toEqual(first);
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
