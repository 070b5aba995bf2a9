/**
 * Where a machine keeps what is ours. Coordinator and worker have a folder each; MANYHANDS_DATA
 * names the coordinator's. A coordinator started with a folder of its own choice leaves a note
 * (address → folder), so that commands on the same machine still find its operator token.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

const base = envPaths('manyhands', { suffix: '' }).data;
const chosen = process.env['MANYHANDS_DATA'];

export const coordinatorFolder = chosen ? resolve(chosen) : join(base, 'coordinator');
export const workerFolder = chosen ? join(resolve(chosen), 'worker') : join(base, 'worker');

const notes = join(base, 'running');
const notePath = (url: string) => join(notes, new URL(url).port);

/** Leaves the note for as long as the coordinator runs; returns what takes it away. */
export function noteCoordinator(url: string, folder: string): () => void {
  const path = notePath(url);
  try {
    mkdirSync(notes, { recursive: true, mode: 0o700 });
    removeOldNotes();
    const note: Note = { pid: process.pid, folder: resolve(folder) };
    writeFileSync(path, JSON.stringify(note), { mode: 0o600 });
    return () => rmSync(path, { force: true });
  } catch {
    // A service may have no home to write to. Its commands then name the token themselves.
    return () => {};
  }
}

type Note = { pid: number; folder: string };

/** The note, if the coordinator that left it is still there. */
function readNote(path: string): Note | null {
  try {
    const note = JSON.parse(readFileSync(path, 'utf8')) as Note;
    process.kill(note.pid, 0);
    return note;
  } catch {
    return null;
  }
}

/** Those of coordinators that were killed. */
function removeOldNotes(): void {
  for (const name of readdirSync(notes)) {
    const path = join(notes, name);
    if (readNote(path) === null) rmSync(path, { force: true });
  }
}

/**
 * The data folder of the coordinator at this address, if it is one of this machine that we know.
 * Another machine's address never finds one: our token is not for strangers.
 */
export function folderOfCoordinator(url: string): string | null {
  const { hostname } = new URL(url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return null;
  // Without a note it can only be the usual folder.
  return readNote(notePath(url))?.folder ?? coordinatorFolder;
}
