// A data folder for one test, and the end of everything that still runs on it.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stopServersOn } from '../../../coordinator/redis/orphan.ts';

/** Removed when the test ends, with the Redis that the test may have left on it. */
export async function aDataFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mh-data-')));
  onTestFinished(async () => {
    await stopServersOn(join(folder, 'redis'));
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}
