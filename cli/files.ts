/** Files that a person names on the command line: told by name when they cannot be used. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Digest } from '../protocol/ids.ts';
import { Failure } from './failure.ts';

const reasons: Record<string, readonly [ConstructorParameters<typeof Failure>[0], string]> = {
  ENOENT: ['file_unknown', 'there is no such file'],
  ENOTDIR: ['file_unknown', 'there is no such file'],
  EACCES: ['file_forbidden', 'you may not do that to it'],
  EPERM: ['file_forbidden', 'you may not do that to it'],
  EISDIR: ['file_unsuitable', 'it is a folder'],
};

export const cannotRead = (path: string, cause: unknown): Failure => unusable('read', path, cause);
export const cannotWrite = (path: string, cause: unknown): Failure =>
  unusable('write', path, cause);

function unusable(verb: string, path: string, cause: unknown): Failure {
  const { code: system = '', message } = cause as NodeJS.ErrnoException;
  const [code, why] = reasons[system] ?? ['file_unsuitable', message];
  return new Failure(code, `Cannot ${verb} ${path}.`, {
    why,
    remedy: 'check the name and its permissions',
    cause,
  });
}

export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** The digest and the size of a file of any size, read once in pieces. */
export async function digestFile(path: string): Promise<{ digest: Digest; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path)) {
      hash.update(piece);
      bytes += piece.length;
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

export const digestOf = (bytes: Uint8Array): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
