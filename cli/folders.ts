/**
 * Where a machine keeps what is ours. Coordinator and worker have a folder each; MANYHANDS_DATA
 * names the coordinator's. A coordinator started with a folder of its own choice leaves a note
 * (address → folder), so that commands on the same machine still find its operator token.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

const base = envPaths('manyhands').data;
const chosen = process.env['MANYHANDS_DATA'];

export const coordinatorFolder = chosen ? resolve(chosen) : join(base, 'coordinator');
export const workerFolder = chosen ? join(resolve(chosen), 'worker') : join(base, 'worker');

const notePath = (url: string) => join(base, 'running', new URL(url).port);

/** Leaves the note for as long as the coordinator runs; returns what takes it away. */
export function noteCoordinator(url: string, folder: string): () => void {
  const path = notePath(url);
  mkdirSync(join(base, 'running'), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify({ pid: process.pid, folder: resolve(folder) }), {
    mode: 0o600,
  });
  return () => rmSync(path, { force: true });
}

/**
 * The data folder of the coordinator at this address, if it is one of this machine that we know.
 * Another machine's address never finds one: our token is not for strangers.
 */
export function folderOfCoordinator(url: string): string | null {
  const { hostname } = new URL(url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return null;
  try {
    const note = JSON.parse(readFileSync(notePath(url), 'utf8'));
    process.kill(note.pid, 0);
    return note.folder;
  } catch {
    // No note, or its writer is gone: then it can only be the usual folder.
    return coordinatorFolder;
  }
}
