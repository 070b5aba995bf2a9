// The promise S3 as tests: what some runs give in Node, whatever compiles them, they give in Chromium
// and on another processor.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { describeInChromium } from './chromium.ts';
import {
  byName,
  type Comparable,
  compilers,
  describeOnArm64,
  runInChromium,
  runInNode,
} from './everywhere.ts';
import { type PageServer, servePage } from './page-server.ts';
import type { SampleRun } from './sample-runs.ts';

/** Good code for a large kernel takes an emulated processor a minute. */
const timeout = 240_000;

/**
 * `samplesOf` is asked when the tests run: what they are about may have to be built before. Each is a
 * program that comes to its exit.
 */
export function sameEverywhere(what: string, samplesOf: () => SampleRun[]): void {
  const title = `[S3] ${what} give the same bytes, fuel and outcome`;
  let ends: Comparable[] | undefined;
  const samplesOrSkip = (context: TestContext): SampleRun[] => {
    const samples = samplesOf();
    if (samples.length === 0) context.skip('none of them could be built here');
    return samples;
  };
  const areEqual = (samples: SampleRun[], there: Comparable[]) => {
    ends ??= runInNode(samples, []);
    expect(digested(byName(samples, there))).toEqual(digested(byName(samples, ends)));
  };

  describe(`${title} in Node`, () => {
    it.for(compilers)('%s', { timeout }, ([, v8Flags], context) => {
      const samples = samplesOrSkip(context);
      const there = runInNode(samples, v8Flags);
      areEqual(samples, there);
      const outcomes = new Set(there.map(({ outcome }) => outcome));
      expect(['success', 'kernel_exit']).toEqual(expect.arrayContaining([...outcomes]));
    });
  });

  describeInChromium(`${title} in Chromium`, () => {
    let server: PageServer;
    beforeAll(async () => {
      server = await servePage();
    });
    afterAll(() => server.close());

    it.for(compilers)('%s', { timeout }, async ([, v8Flags], context) => {
      const samples = samplesOrSkip(context);
      areEqual(samples, await runInChromium(samples, v8Flags, server));
    });
  });

  describeOnArm64(`${title} on arm64`, (node) => {
    it.for(compilers)('%s', { timeout }, ([, v8Flags], context) => {
      const samples = samplesOrSkip(context);
      areEqual(samples, runInNode(samples, v8Flags, node));
    });
  });
}

/** Bytes by length and SHA-256: a difference of megabytes is no message that anyone reads. */
const digested = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, each) =>
      each instanceof Uint8Array
        ? `${each.length} bytes, ${createHash('sha256').update(each).digest('hex')}`
        : each,
    ),
  );
