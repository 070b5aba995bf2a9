/**
 * Loads a Lua file and binds the names in its header, so that nobody writes KEYS[7]. A header says
 *
 *   -- keys: open, outbox, ...      names, then `...` when more follow (read as KEYS[n])
 *   -- args: now_ms, ...            likewise for ARGV
 *   -- returns: what it returns
 *   -- with: post-payments          functions of lua/shared that it calls; may be left out
 *
 * Bindings and functions go on the file's first line, so Redis reports the file's own line numbers.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type ScriptArg = string | number | Buffer;

/**
 * Sends EVAL or EVALSHA, with the source or its digest, the number of keys, keys and arguments: as one list, because a
 * step may have more of them than a function can be called with.
 */
export type SendScript = (
  command: 'eval' | 'evalsha',
  key: string,
  parts: ScriptArg[],
) => Promise<unknown>;

export class Script {
  private readonly source: string;
  private readonly sha: string;
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
    const body = readLua(name);
    this.source = `${sharedFunctions(body)} ${bindings(name, body)} ${body}`;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }

  /** Runs the script; sends its source only when this server has not seen it. */
  async run(
    send: SendScript,
    keys: readonly string[],
    args: readonly ScriptArg[],
  ): Promise<unknown> {
    assertOneSlot(this.name, keys);
    const key = keys[0] ?? '';
    const rest: ScriptArg[] = [keys.length, ...keys];
    try {
      return await send('evalsha', key, [this.sha, ...rest].concat(args));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await send('eval', key, [this.source, ...rest].concat(args));
    }
  }
}

const readLua = (path: string): string =>
  readFileSync(new URL(`./lua/${path}.lua`, import.meta.url), 'utf8');

/** On one line, without the comments, which stand on lines of their own. */
function sharedFunctions(body: string): string {
  const [, names = ''] = /^-- with: (.*)$/m.exec(body) ?? [];
  const lines = names
    .split(', ')
    .filter((name) => name !== '')
    .flatMap((name) => readLua(`shared/${name}`).split('\n'));
  return lines
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('--'))
    .join(' ');
}

function bindings(name: string, body: string): string {
  const bind = (field: 'keys' | 'args', table: 'KEYS' | 'ARGV') => {
    const line = new RegExp(`^-- ${field}: (.*)$`, 'm').exec(body)?.[1];
    if (line === undefined) throw new Error(`${name}.lua has no "-- ${field}:" line`);
    const [named = ''] = line.split('...');
    const names = named.split(',').map((part) => part.trim());
    return names
      .filter((part) => part !== '')
      .map((part, i) => `local ${part} = ${table}[${i + 1}]`)
      .join(' ');
  };
  return `${bind('keys', 'KEYS')} ${bind('args', 'ARGV')}`;
}

/** A script whose keys lie in two slots works on one server and breaks on a cluster: refuse it here. */
function assertOneSlot(name: string, keys: readonly string[]): void {
  const tags = new Set(keys.map((key) => /\{([^}]+)\}/.exec(key)?.[1] ?? key));
  if (tags.size > 1)
    throw new Error(`${name}.lua touches more than one slot: ${[...tags].join(', ')}`);
}
