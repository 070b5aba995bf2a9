// A PATH with nothing on it but the programs a test writes. They stand for the operator's Redis and for
// the distribution's package tools, which no test may change for real.

import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

export type FakePrograms = {
  /** The only folder on PATH. */
  folder: string;
  /** An empty cache folder, which MANYHANDS_CACHE_DIR names. */
  cache: string;
  add(name: string, script: string): Promise<string>;
};

export async function fakePrograms(): Promise<FakePrograms> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'mh-path-')));
  const [folder, cache] = [join(base, 'bin'), join(base, 'cache')];
  await mkdir(folder);
  vi.stubEnv('PATH', folder);
  vi.stubEnv('MANYHANDS_CACHE_DIR', cache);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(base, { recursive: true, force: true });
  });
  return {
    folder,
    cache,
    async add(name, script) {
      const file = join(folder, name);
      await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
      await chmod(file, 0o755);
      return file;
    },
  };
}

export function redisOfVersion(version: string): string {
  return `echo "Redis server v=${version} sha=00000000:0 malloc=libc bits=64 build=0"`;
}
