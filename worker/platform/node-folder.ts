/**
 * A folder as the worker's storage: 0700, its files 0600, because keys and lease tokens live there.
 *
 * One worker at a time: two would answer for the same leases. A pid file says who has it; one left
 * behind by SIGKILL names a process that is gone, or another that began later, and is taken over.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AppendFile, PlaceUnusable, type Storage } from './platform.ts';

export async function openFolder(place: string): Promise<Storage> {
  await mkdir(place, { recursive: true, mode: 0o700 });
  // mkdir leaves the mode of a folder that was there before.
  await chmod(place, 0o700);
  const release = occupy(join(place, 'worker.pid'));
  const at = (name: string) => join(place, name);
  const parentOf = async (name: string) => {
    const folder = dirname(at(name));
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    // A new folder is on the disk when the one above it is.
    for (let made = folder; first !== undefined && made.length >= first.length; ) {
      made = dirname(made);
      await syncFolder(made);
    }
    return folder;
  };
  // Counted from the start of the process, so that those of a killed one are written over.
  let temporaries = 0;
  return {
    read: (name) => readFile(at(name)).catch(absentIsNull),
    write: async (name, bytes) => {
      const folder = await parentOf(name);
      const temporary = `${at(name)}.${temporaries++}.tmp`;
      try {
        const file = await open(temporary, 'w', 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, at(name));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(folder);
    },
    openAppend: async (name) => {
      const folder = await parentOf(name);
      const file = await open(at(name), 'a', 0o600);
      await syncFolder(folder);
      return {
        append: (bytes) => file.appendFile(bytes),
        sync: () => file.datasync(),
        close: () => file.close(),
      } satisfies AppendFile;
    },
    rename: (name, target) => rename(at(name), at(target)),
    remove: (name) => rm(at(name), { force: true }),
    list: async (folder) => {
      const names = (await readdir(at(folder)).catch(absentIsNull)) ?? [];
      const files = await Promise.all(
        names.map(async (name) => {
          const facts = await stat(join(at(folder), name)).catch(absentIsNull);
          if (facts === null || !facts.isFile()) return [];
          return [{ name: `${folder}/${name}`, bytes: facts.size, usedAtMs: facts.mtimeMs }];
        }),
      );
      return files.flat();
    },
    touch: (name) => utimes(at(name), new Date(), new Date()),
    close: async () => release(),
  };
}

/** Writes our pid, or throws naming the process that has the folder. */
function occupy(path: string): () => void {
  const mine = `${process.pid} ${startedAt(process.pid)}`;
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
    const holder = readText(path);
    const pid = Number(holder?.split(' ')[0]);
    if (holder !== null && pid > 0 && holder === `${pid} ${startedAt(pid)}`) {
      throw new PlaceUnusable(
        `another worker (process ${pid}) uses ${dirname(path)}: stop it or choose another folder`,
      );
    }
    rmSync(path, { force: true });
  }
}

/**
 * When a process began, in clock ticks since boot: with its pid it names a process for good. Where
 * there is no /proc, a living process is `alive`: a pid used again then needs the file removed.
 */
function startedAt(pid: number): string {
  const facts = readText(`/proc/${pid}/stat`);
  if (facts !== null) {
    // The second field is the program's name in parentheses and may contain spaces. The third is
    // the state, Z for one that is dead and not yet buried; starttime is the 22nd.
    const fields = facts.slice(facts.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'gone' : (fields[19] ?? '');
  }
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return isCode(error, 'EPERM') ? 'alive' : 'gone';
  }
}

/** A rename is on the disk when its folder is. Windows cannot open folders and does not need to. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return absentIsNull(error);
  }
}

/** ESRCH is what /proc says of a process that ends while it is read. */
function absentIsNull(error: unknown): null {
  if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return null;
  throw error;
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
