/** The same kernels on another processor. */
import { expect, it } from 'vitest';
import { byName, compilers, describeOnArm64, runInNode } from '../../support/everywhere.ts';
import { nanRuns } from '../../support/nan-runs.ts';
import { sampleRuns } from '../../support/sample-runs.ts';

describeOnArm64('[S3] bytes, fuel and outcome on arm64 are those of here', (arm64) => {
  const samples = [...sampleRuns(), ...nanRuns()];
  // An emulated processor takes some 20 s.
  it.each(compilers)('%s', { timeout: 180_000 }, (_, v8Flags) => {
    const [here, there] = [runInNode(samples, []), runInNode(samples, v8Flags, arm64)];
    expect(byName(samples, there)).toEqual(byName(samples, here));
  });
});
