/**
 * What this project says of itself, checked: rules have tests, words are the glossary's, no script is
 * left behind, a file of some length says what it is for, and one that is named is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { namesInLua, namesInTypeScript, wordsOf } from './support/declared-names.ts';

const root = join(import.meta.dirname, '..');
const product = ['protocol', 'kernel', 'coordinator', 'worker', 'jobs', 'cli', 'web', 'bench'];

/** Files of ours below the given folders, as paths from the root. */
function filesIn(folders: readonly string[], ending: string): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'));
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('docs/RULES.md', () => {
  const rules = [...read('docs/RULES.md').matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(([, id]) => id);
  const tested = new Set(
    filesIn(['test'], '.ts').flatMap((file) =>
      [...read(file).matchAll(/['"`]\[([A-Z]\d+)\] /g)].map(([, id]) => id),
    ),
  );

  it('has rules, each number once', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(new Set(rules).size).toBe(rules.length);
  });

  it.each(rules)('%s has a test whose title starts with its number', (rule) => {
    expect(tested).toContain(rule);
  });

  it('has every rule that a test names', () => {
    expect([...tested].filter((rule) => !rules.includes(rule))).toEqual([]);
  });
});

describe('our words', () => {
  const [, listed = ''] = /^Not our words: (.*?)\./m.exec(read('docs/GLOSSARY.md')) ?? [];
  const banned = new Set(listed.split(', ').flatMap((word) => [word, `${word}s`, `${word}es`]));

  /** Where one of these words is somebody else's. */
  const theirs: { word: RegExp; in: RegExp; because: string }[] = [
    { word: /^node$/, in: /^worker\//, because: 'Node, as opposed to a browser' },
    { word: /^client$/, in: /^coordinator\/(redis|store)\//, because: 'a client of Redis' },
    { word: /^lock$/, in: /^coordinator\/queue\//, because: "BullMQ's lock on an entry" },
    {
      word: /^chunks?$/,
      in: /artifacts[.]ts$|^cli\/terminal/,
      because: 'what a stream gives',
    },
    { word: /^user$/, in: /^worker\/sandbox\/wasi\//, because: 'a field of WASI, `userdata`' },
    { word: /^points$/, in: /^kernel\/meter\//, because: 'program points of a flow graph' },
    { word: /^points$/, in: /^jobs\/mersenne\//, because: 'the points of a Fourier transform' },
  ];

  const used = new Set<(typeof theirs)[number]>();
  const foreign = (file: string, name: string): string[] =>
    wordsOf(name)
      .filter((word) => banned.has(word))
      .filter((word) => {
        const allowed = theirs.find((entry) => entry.word.test(word) && entry.in.test(file));
        if (allowed !== undefined) used.add(allowed);
        return allowed === undefined;
      })
      .map((word) => `${file}: "${word}" in ${name}`);

  const found = [
    ...filesIn(product, '.ts').flatMap((file) =>
      [...namesInTypeScript(file, read(file)), ...file.replace(/\.ts$/, '').split('/')].flatMap(
        (name) => foreign(file, name),
      ),
    ),
    ...filesIn(['coordinator'], '.lua').flatMap((file) =>
      [...namesInLua(read(file)), basename(file)].flatMap((name) => foreign(file, name)),
    ),
  ];

  it('are the only ones that we name things with', () => {
    expect(banned).toContain('task');
    expect(found, 'docs/GLOSSARY.md has our words').toEqual([]);
  });

  it('have no exception that nothing needs any more', () => {
    expect(theirs.filter((entry) => !used.has(entry))).toEqual([]);
  });

  it('are told from longer ones that only contain them', () => {
    expect(wordsOf('unlockBlockedNodeIDs_2 task-list')).toEqual([
      'unlock',
      'blocked',
      'node',
      'ids',
      'task',
      'list',
    ]);
    expect(namesInLua('-- keys: job, open\nlocal a, b = 1\nfor _, shard in x do end')).toEqual([
      'job',
      'open',
      'a',
      'b',
      '_',
      'shard',
    ]);
    const source = "import { task } from 'x'; const { chunk: part } = task.node; type User = {}";
    expect(namesInTypeScript('x.ts', source)).toEqual(['part', 'User']);
  });
});

describe('Lua scripts', () => {
  const isShared = (file: string) => file.includes('/shared/');
  const files = filesIn(['coordinator'], '.lua').filter((file) => !isShared(file));
  const scripts = files.map((file) => basename(file, '.lua'));

  it('are all loaded, and what is loaded is there', () => {
    const loaded = filesIn(['coordinator'], '.ts').flatMap((file) =>
      [...read(file).matchAll(/new Script\('([a-z-]+)'\)/g)].map(([, name]) => name),
    );
    expect(scripts.length).toBeGreaterThan(0);
    expect(loaded.sort()).toEqual(scripts.sort());
  });

  it('call all functions that they share, and no others', () => {
    const shared = filesIn(['coordinator'], '.lua').filter(isShared);
    const called = files.flatMap(
      (file) => /^-- with: (.*)$/m.exec(read(file))?.[1]?.split(', ') ?? [],
    );
    expect(shared.length).toBeGreaterThan(0);
    expect([...new Set(called)].sort()).toEqual(
      shared.map((file) => basename(file, '.lua')).sort(),
    );
  });

  it.each(files)('%s says what and why, its keys, args and reply', (file) => {
    const header = /^(-- .*\n|--\n)+/.exec(read(file))?.[0] ?? '';
    for (const line of [/^-- keys: \w/m, /^-- args: \w/m, /^-- returns: ./m]) {
      expect(header).toMatch(line);
    }
    expect(header.split('\n')[0]).not.toMatch(/^-- (with|keys|args|returns):/);
  });
});

describe('a file of more than sixty lines', () => {
  it('says what it is for before its first statement', () => {
    // A command says it in the words that --help shows.
    const files = filesIn(product, '.ts').filter((file) => !file.startsWith('cli/commands/'));
    const silent = files.filter((file) => {
      const source = read(file);
      if (source.split('\n').length <= 60) return false;
      const start = source.replace(/^#!.*\n/, '').replace(/^(\s*import [^;]*;\n)+/, '');
      return !/^\s*(\/\*\*|\/\/)/.test(start);
    });
    expect(silent).toEqual([]);
  });
});

describe('a file that a comment or a page names', () => {
  const commentsOf = (source: string): string =>
    [...source.matchAll(/^\s*(?:\/?\*|\/\/)(.*)$/gm)].map(([, text]) => text).join('\n');
  // Not a pattern like *.ts.
  const namedIn = (file: string, text: string) =>
    [...text.matchAll(/(?<![*\w-])[\w./][\w./-]*\.(?:ts|lua|mjs|md)\b/g)].map(([named]) => {
      return { file, named };
    });

  it('is there', () => {
    const endings = ['.ts', '.lua', '.mjs', '.md'];
    const present = endings.flatMap((ending) => filesIn([...product, 'docs', 'test'], ending));
    const isThere = (named: string) => {
      const path = named.replace(/^(\.{0,2}\/)+/, '');
      return present.some((file) => `/${file}`.endsWith(`/${path}`));
    };
    const told = [
      ...filesIn(product, '.ts').flatMap((file) => namedIn(file, commentsOf(read(file)))),
      ...filesIn(['coordinator'], '.lua').flatMap((file) => namedIn(file, read(file))),
      ...[...filesIn(['docs'], '.md'), 'README.md'].flatMap((file) => namedIn(file, read(file))),
    ];
    expect(told.length).toBeGreaterThan(50);
    expect(told.filter(({ named }) => !isThere(named))).toEqual([]);
  });
});
