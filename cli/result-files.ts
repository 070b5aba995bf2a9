/**
 * Results as files on disk: a folder for each unit, in it `stdout.txt` or `stdout.json` and the
 * files that the kernel wrote, under their guest paths. The paths were chosen by kernels that ran on
 * strangers' machines, so each is checked to stay inside its unit's folder.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { ResultLine } from '../protocol/http.ts';
import { Failure } from './failure.ts';
import { cannotWrite } from './files.ts';

/** Twelve digits: the most units a job can have, so that names sort like numbers. */
const digits = 12;

export async function writeUnitFiles(line: ResultLine, folder: string): Promise<void> {
  const unitFolder = join(folder, String(line.unit).padStart(digits, '0'));
  const isText = typeof line.output === 'string';
  const stdout = isText ? String(line.output) : `${JSON.stringify(line.output)}\n`;
  await write(join(unitFolder, isText ? 'stdout.txt' : 'stdout.json'), stdout);
  for (const [guestPath, base64] of Object.entries(line.files)) {
    await write(within(unitFolder, guestPath), Buffer.from(base64, 'base64'));
  }
}

/** The guest path below the folder, or a Failure when it would lead out of it. */
export function within(folder: string, guestPath: string): string {
  const path = resolve(folder, `.${sep}${guestPath}`);
  const inside = relative(folder, path);
  if (inside !== '' && !inside.startsWith('..') && !guestPath.includes('\0')) return path;
  throw new Failure('file_unsuitable', `The guest file ${guestPath} is not written.`, {
    why: 'its path would lead out of the folder',
    remedy: 'cancel the job: a kernel that names files so is not to be trusted',
  });
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}
