/**
 * Results as files on disk: a folder for each unit, in it `stdout.txt` or `stdout.json`, and the
 * files that the kernel wrote, under their guest paths.
 */
import { join } from 'node:path';
import type { ResultLine } from '../protocol/http.ts';
import { writeGuestFiles, writeMaking } from './guest-files.ts';

/** Twelve digits: the most units a job can have, so that names sort like numbers. */
const digits = 12;

export async function writeUnitFiles(line: ResultLine, folder: string): Promise<void> {
  const unitFolder = join(folder, String(line.unit).padStart(digits, '0'));
  const isText = typeof line.output === 'string';
  const stdout = isText ? String(line.output) : `${JSON.stringify(line.output)}\n`;
  await writeMaking(join(unitFolder, isText ? 'stdout.txt' : 'stdout.json'), stdout);
  const files = Object.entries(line.files).map(
    ([guestPath, base64]) => [guestPath, Buffer.from(base64, 'base64')] as const,
  );
  await writeGuestFiles(unitFolder, Object.fromEntries(files));
}
