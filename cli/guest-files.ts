/**
 * Files that kernels wrote, on the way into a folder of ours. Their paths were chosen by programs
 * that we do not know, on machines that we do not know: each is checked to stay inside.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { Failure } from './failure.ts';
import { cannotWrite } from './files.ts';

export async function writeGuestFiles(
  folder: string,
  files: Record<string, Uint8Array>,
): Promise<void> {
  for (const [guestPath, bytes] of Object.entries(files)) {
    await writeMaking(within(folder, guestPath), bytes);
  }
}

/** The guest path below the folder, or a Failure when it would lead out of it. */
export function within(folder: string, guestPath: string): string {
  const path = guestPath.includes('\0') ? folder : resolve(folder, `.${sep}${guestPath}`);
  const inside = relative(folder, path);
  if (inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`)) return path;
  throw new Failure('file_unsuitable', `The file ${guestPath} is not written.`, {
    why: 'its path would lead out of the folder',
    remedy: 'do not trust the kernel that named it',
  });
}

/** Writes a file, and the folders on the way. */
export async function writeMaking(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}
