/**
 * The name a volunteer shows on the leaderboard. Nobody is asked for one: the first join makes one
 * up, the folder remembers it, and --name replaces it for good.
 */
import { randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../protocol/limits.ts';
import { badUsage } from './command.ts';
import { cannotWrite } from './files.ts';
import { plainText } from './terminal.ts';

export async function workerName(folder: string, given: string | undefined): Promise<string> {
  const path = join(folder, 'name');
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (given === undefined && kept.trim() !== '') return kept.trim();
  const name = given === undefined ? makeUpName() : checked(given);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (name !== kept.trim()) await writeFile(path, `${name}\n`);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return name;
}

function checked(name: string): string {
  const isShown = plainText(name) === name && name.trim() === name && name !== '';
  if (isShown && name.length <= limits.hostNameCharsMax) return name;
  throw badUsage(
    'That name cannot be shown on a leaderboard.',
    `a name has 1 to ${limits.hostNameCharsMax} characters, none of them a control character`,
    'choose another --name, or leave it out and get one like amber-otter-42',
  );
}

/** 32 × 32 × 90 names: few enough to remember, enough that a lecture hall seldom meets one twice. */
function makeUpName(): string {
  const pick = (words: string) => {
    const list = words.split(' ');
    return list[randomInt(list.length)];
  };
  return `${pick(tints)}-${pick(animals)}-${randomInt(10, 100)}`;
}

const tints =
  'amber ashen azure bold brave bright calm coral crisp dusky fleet gentle golden hazel indigo ivory ' +
  'jade keen lilac lucid merry misty mossy nimble ochre olive quiet russet silver sunny teal velvet';
const animals =
  'badger bison crane dolphin eagle egret falcon ferret finch fox gecko heron ibex jackdaw kestrel koala ' +
  'lark lynx marten newt ocelot otter owl panda puffin quail raven seal stoat swift tapir wren';
