import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFolder } from '../../../worker/platform/node-folder.ts';
import { aFolder } from '../join.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test('folder and files are the person’s own, also when the folder was open to all before', async () => {
  const folder = await aFolder();
  await chmod(folder, 0o755);
  const storage = await openFolder(folder);
  await storage.write('a/b', bytes('x'));
  const file = await storage.openAppend('c');
  await file.append(bytes('y'));
  await file.close();
  expect(await modeOf(folder)).toBe('700');
  expect(await modeOf(join(folder, 'a'))).toBe('700');
  expect(await modeOf(join(folder, 'a/b'))).toBe('600');
  expect(await modeOf(join(folder, 'c'))).toBe('600');
  await storage.close();
});

test('a file is written whole, and nothing is left lying beside it', async () => {
  const folder = await aFolder();
  const storage = await openFolder(folder);
  await storage.write('name', bytes('first'));
  await storage.write('name', bytes('second'));
  expect(new TextDecoder().decode((await storage.read('name')) ?? undefined)).toBe('second');
  await storage.close();
  expect(await readdir(folder)).toEqual(['name']);
});

test('what is not there reads as null, lists as nothing and can be removed', async () => {
  const storage = await openFolder(await aFolder());
  expect(await storage.read('none')).toBeNull();
  expect(await storage.list('none')).toEqual([]);
  await storage.remove('none');
  await storage.close();
});

test('a second worker in the same folder is refused, and told who has it', async () => {
  const folder = await aFolder();
  const storage = await openFolder(folder);
  await expect(openFolder(folder)).rejects.toThrow(`process ${process.pid}`);
  await storage.close();
  await (await openFolder(folder)).close();
});

test('the folder of a worker that was killed is taken over', async () => {
  const folder = await aFolder();
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  await writeFile(join(folder, 'worker.pid'), `${child.pid} 12345`);
  const storage = await openFolder(folder);
  expect(await readFile(join(folder, 'worker.pid'), 'utf8')).toMatch(`${process.pid} `);
  await storage.close();
});

test('the folder is taken over when the number of the killed worker was given to another process', async () => {
  const folder = await aFolder();
  // This process lives, but did not begin at tick 1.
  await writeFile(join(folder, 'worker.pid'), `${process.pid} 1`);
  await (await openFolder(folder)).close();
});
