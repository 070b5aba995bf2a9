// Two terminals may set up the same checkout at once; npm and the compilers would write into each
// other's files. The first one leaves a note with its process id, the second waits until it is gone.
//
// A note whose process is dead (kill -9) or that is older than any setup is removed. That can be fooled
// by a reused process id, and costs at most the wait below: good enough for a build, whose outputs can
// be made again. A data folder needs better, and has it (coordinator/redis/folder-owner.ts).

import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A cold npm install on a slow network and a slow disk: minutes. Nobody waits longer than this. */
const SETUP_MS_MAX = 15 * 60_000;
const POLL_MS = 100;

/** Runs `work` while no other process does so in this checkout; returns what it returns. */
export async function oneAtATime(root, work) {
  const folder = join(root, 'dist');
  const note = join(folder, '.setup');
  const ownNote = `${note}-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(ownNote, String(process.pid));
  try {
    while (!appears(ownNote, note)) {
      if (isStale(note)) rmSync(note, { force: true });
      else await wait(POLL_MS);
    }
  } finally {
    rmSync(ownNote, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(note, { force: true });
  }
}

/** A link either takes the name, with its content, or finds it taken: there is no half-written note. */
function appears(ownNote, note) {
  try {
    linkSync(ownNote, note);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(note) {
  try {
    if (Date.now() - statSync(note).mtimeMs > SETUP_MS_MAX) return true;
    process.kill(Number(readFileSync(note, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH'; // gone meanwhile, or another account's: look again
  }
}
