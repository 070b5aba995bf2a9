import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type FolderOwnership, ownFolder } from '../../../coordinator/redis/folder-owner.ts';
import { startCoordinatorProcess } from './coordinator-process.ts';
import { aDataFolder } from './data-folder.ts';

async function own(folder: string): Promise<FolderOwnership> {
  const ownership = await ownFolder(folder);
  onTestFinished(() => ownership.release());
  return ownership;
}

test('a second owner is refused and told the process of the first', async () => {
  const folder = await aDataFolder();
  await own(folder);
  await expect(ownFolder(folder)).rejects.toMatchObject({
    code: 'data_folder_in_use',
    why: expect.stringContaining(String(process.pid)),
  });
});

test('a released folder is free and empty', async () => {
  const folder = await aDataFolder();
  await (await own(folder)).release();
  expect(await readdir(folder)).toEqual([]);
  await own(folder);
});

test('of many that start at once exactly one owns the folder', async () => {
  const folder = await aDataFolder();
  for (let round = 0; round < 5; round++) {
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => own(folder)));
    const owners = tries.filter((attempt) => attempt.status === 'fulfilled');
    expect(owners).toHaveLength(1);
    await owners[0]?.value.release();
  }
});

test('a coordinator in another process is refused, and named to the next', async () => {
  const dataDir = await aDataFolder();
  const first = await startCoordinatorProcess(dataDir);
  onTestFinished(() => first.kill9());
  expect(first.opened.pid).toBeGreaterThan(0);
  const second = await startCoordinatorProcess(dataDir);
  onTestFinished(() => second.kill9());
  expect(second.opened).toEqual({
    code: 'data_folder_in_use',
    why: expect.stringContaining(`process ${first.pid}`),
  });
});

test('a killed owner leaves the folder free, whatever became of its process id', async () => {
  const dataDir = await aDataFolder();
  const owner = await startCoordinatorProcess(dataDir);
  await owner.kill9();
  expect(await readdir(dataDir)).toContainEqual(expect.stringMatching(/^owner\./));
  const ownership = await own(dataDir);
  expect(await readdir(dataDir)).toHaveLength(2); // our own socket and Redis's folder
  await ownership.release();
});

test('a stopped owner still owns', async () => {
  const dataDir = await aDataFolder();
  const owner = await startCoordinatorProcess(dataDir);
  onTestFinished(() => owner.kill9());
  process.kill(owner.pid, 'SIGSTOP');
  await expect(ownFolder(dataDir)).rejects.toMatchObject({ code: 'data_folder_in_use' });
});

test('a folder whose path is longer than a socket path may be can be owned', async () => {
  const folder = join(await aDataFolder(), 'a'.repeat(120), 'b'.repeat(120));
  await mkdir(folder, { recursive: true });
  await own(folder);
  await expect(ownFolder(folder)).rejects.toMatchObject({ code: 'data_folder_in_use' });
});

test('a folder that is not there is an error with what to do', async () => {
  await expect(ownFolder(join(await aDataFolder(), 'absent'))).rejects.toMatchObject({
    code: 'data_folder_unusable',
    doThis: expect.stringContaining('--data'),
  });
});
