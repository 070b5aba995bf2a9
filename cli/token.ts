/**
 * Which token a command shows: --token-file, then MANYHANDS_TOKEN, then the operator's own in the
 * data folder of a coordinator on this machine. Never a flag's value, which every process could read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eachUrl } from './command.ts';
import { cannotRead } from './files.ts';
import { folderOfCoordinator } from './folders.ts';

export function findToken(urls: string, tokenFile: string | undefined): string | null {
  if (tokenFile !== undefined) return readToken(tokenFile);
  const given = process.env['MANYHANDS_TOKEN']?.trim();
  if (given) return given;
  for (const url of eachUrl(urls)) {
    const folder = folderOfCoordinator(url);
    if (folder === null) continue;
    try {
      return readFileSync(join(folder, 'operator.token'), 'utf8').trim();
    } catch {
      // Not the coordinator's machine, or another person's coordinator: public questions still work.
    }
  }
  return null;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw cannotRead(path, error);
  }
}
