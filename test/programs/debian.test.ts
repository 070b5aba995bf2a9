/**
 * Programs that Debian ships, which nobody wrote for us, run in the sandbox and write what they write
 * natively: the same stdout, the same files, the same exit code. Their sources are Debian's, as they
 * are; what WASI has nothing to offer for is in posix-absent.c. Built here and now, never committed. What
 * they were given here they are given once more wherever kernels run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sameEverywhere } from '../support/same-everywhere.ts';
import type { SampleRun } from '../support/sample-runs.ts';
import { buildProgram, type Input, type Program, type Recipe } from './program.ts';

/** Two compilers with optimisation, on two cores that have other things to do. */
const buildWithinMs = 240_000;

const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);
/** Repetitive like prose, and too long for one block of anything. */
const prose = text(
  Array.from({ length: 20_000 }, (_, i) => `${i % 97} hands make light work ${i * i}\n`).join(''),
);

const given: SampleRun[] = [];

function describeProgram(
  name: string,
  recipe: Recipe,
  facts: (equal: (input: Input) => Promise<void>, built: () => Program) => void,
) {
  describe(name, () => {
    const temporary = mkdtempSync(join(tmpdir(), 'manyhands-program-'));
    afterAll(() => rmSync(temporary, { recursive: true, force: true }));
    let built: Program | string = 'not built yet';
    beforeAll(async () => {
      built = await buildProgram(recipe, temporary);
    }, buildWithinMs);
    beforeEach((context) => {
      if (typeof built === 'string') context.skip(built);
    });
    const program = (): Program => {
      if (typeof built === 'string') throw new Error(built);
      return built;
    };
    const equal = async (input: Input) => {
      given.push(program().sample(`${name}, input ${given.length}`, input));
      const [kernel, native] = [await program().kernel(input), await program().native(input)];
      expect(kernel.code).toBe(native.code);
      expect(Object.keys(kernel.files)).toEqual(Object.keys(native.files));
      for (const [file, bytes] of Object.entries(native.files)) {
        expect(kernel.files[file]?.equals(bytes), file).toBe(true);
      }
      if (!kernel.stdout.equals(native.stdout)) {
        expect(kernel.stdout.toString()).toBe(native.stdout.toString());
      }
    };
    facts(equal, program);
  });
}

describeProgram(
  'bzip2',
  {
    package: 'bzip2',
    main: 'bzip2.c',
    sources: () => [
      ...['blocksort.c', 'huffman.c', 'crctable.c', 'randtable.c'],
      ...['compress.c', 'decompress.c', 'bzlib.c'],
    ],
  },
  (equal, built) => {
    test('compresses a file beside itself', () =>
      equal({ args: ['-k', 'prose'], files: { prose } }));

    test('gives back from stdin what it compressed to stdout', async () => {
      const { stdout } = await built().kernel({ args: ['-c', '-9'], stdin: prose });
      await equal({ args: ['-d', '-c'], stdin: stdout });
    });

    test('refuses damaged input with the same exit code', async () => {
      const input = { args: ['-d', '-c'], stdin: text('BZh9 this is not it') };
      expect((await built().native(input)).code).toBe(2);
      await equal(input);
    });
  },
);

describeProgram(
  'minigzip of zlib',
  {
    package: 'zlib',
    main: 'test/minigzip.c',
    sources: (files) => files,
    flags: ['-I.', '-DHAVE_UNISTD_H'],
  },
  (equal, built) => {
    test('compresses stdin to stdout', () => equal({ args: ['-9'], stdin: prose }));

    test('decompresses a file in place of itself', async () => {
      const { stdout } = await built().kernel({ stdin: prose });
      await equal({ args: ['-d', 'prose.gz'], files: { 'prose.gz': stdout } });
    });
  },
);

describeProgram(
  'picosat',
  {
    package: 'picosat',
    main: 'main.c',
    sources: () => ['app.c', 'picosat.c', 'version.c'],
    flags: ['-DNDEBUG', '-DTRACE', '-DNGETRUSAGE'],
    headers: {
      'config.h':
        '#define PICOSAT_CC "cc"\n#define PICOSAT_CFLAGS ""\n#define PICOSAT_VERSION "965"\n',
    },
  },
  (equal) => {
    test('finds the same model of a formula that has one', () =>
      equal({ args: ['formula'], files: { formula: text(someClauses(120, 480)) } }));

    test('proves from stdin that eight pigeons do not fit into seven holes, in as many steps', () =>
      equal({ args: ['-T', 'proof'], stdin: text(pigeons(8)) }));
  },
);

describeProgram(
  'lua',
  {
    package: 'lua5.4',
    folder: 'src',
    main: 'lua.c',
    sources: (files) => files.filter((file) => file !== 'luac.c'),
    headers: { 'lua5.4-deb-multiarch.h': '#define DEB_HOST_MULTIARCH ""\n' },
    // Without setjmp an error of a script cannot be caught; it ends the run.
    kernelFlags: [
      ...['-DLUAI_THROW(L,c)=abort()', '-DLUAI_TRY(L,c,a)={a}', '-Dluai_jmpbuf=int'],
      '-DL_tmpnam=20',
    ],
    kernelHeaders: { 'setjmp.h': '' },
  },
  (equal) => {
    const script = text(`
      local words, seen = {}, {}
      for line in io.lines() do
        for word in line:gmatch('%a+') do
          if not seen[word] then seen[word] = 0 words[#words + 1] = word end
          seen[word] = seen[word] + 1
        end
      end
      table.sort(words)
      for _, word in ipairs(words) do print(word, seen[word]) end
      local file = assert(io.open('roots', 'w'))
      for i = 1, 100 do file:write(string.format('%.17g %a\\n', i ^ 0.5, i / 3)) end
      file:close()
      print(#arg, arg[1], math.maxinteger, 2 ^ 53 // 3)
      os.exit(3)`);
    test('runs a script over stdin, writes a file, and exits as told', () =>
      equal({ args: ['script', 'one'], files: { script }, stdin: prose.subarray(0, 50_000) }));
  },
);

describeProgram(
  'sqlite3',
  {
    package: 'sqlite3',
    // One large file of it and of its shell, as SQLite recommends.
    generate: {
      script: './configure --disable-tcl --disable-readline && make sqlite3.c shell.c',
      needs: { make: 'apt install make', tclsh: 'apt install tcl' },
    },
    main: 'shell.c',
    sources: () => ['sqlite3.c'],
    flags: ['-I.', '-DSQLITE_THREADSAFE=0', '-DSQLITE_OMIT_LOAD_EXTENSION'],
    // The optimisation of a release takes clang 20 s.
    kernelFlags: ['-O1', '-include', 'posix-declared.h', '-DSQLITE_NOHAVE_SYSTEM'],
    kernelHeaders: {
      'pwd.h':
        'struct passwd { char *pw_dir; };\nstatic struct passwd *getpwuid(int id) { return 0; }',
      // Names of locks, which nobody here asks for: see `alone`.
      'posix-declared.h': `#include <fcntl.h>
        #include <sys/types.h>
        #define F_GETLK 5
        #define F_SETLK 6
        #define F_RDLCK 0
        #define F_WRLCK 1
        #define F_UNLCK 2
        int fchmod(int, mode_t);
        int fchown(int, uid_t, gid_t);
        uid_t geteuid(void);`,
    },
  },
  (equal, built) => {
    // No settings of the person's, and no locks: nobody else has the database open.
    const alone = ['-batch', '-header', '-init', 'settings', '-vfs', 'unix-none'];
    const files = { settings: text('') };
    const catalogue = text(`
      CREATE TABLE star(id INTEGER PRIMARY KEY, name TEXT UNIQUE, magnitude REAL, class TEXT);
      CREATE TABLE seen(star INTEGER REFERENCES star(id), night INTEGER, brightness REAL);
      INSERT INTO star(name, magnitude, class) VALUES
        ('Sirius', -1.46, 'A'), ('Vega', 0.03, 'A'), ('Rigel', 0.13, 'B'), ('Proxima', 11.13, 'M');
      BEGIN;
      WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO seen SELECT 1 + i * 7 % 4, i / 4, 1e3 / i - i % 7 FROM n;
      COMMIT;
      CREATE INDEX by_night ON seen(night);`);
    const questions = text(`
      SELECT name, count(*), round(avg(brightness), 9), max(brightness) FROM star JOIN seen ON star = id
        GROUP BY id HAVING count(*) > 1 ORDER BY name;
      SELECT class, group_concat(name, '+'), total(magnitude) FROM star GROUP BY class;
      SELECT s.name, t.name FROM star s LEFT JOIN star t ON t.magnitude > s.magnitude + 5 ORDER BY 1, 2;
      SELECT night, sum(brightness) OVER (ORDER BY night, star) FROM seen WHERE night IN (1, 499);
      EXPLAIN QUERY PLAN SELECT * FROM seen WHERE night = 3;
      SELECT json_group_array(name), hex(zeroblob(3)), printf('%.17g', 0.1), 1 / 0 FROM star;
      PRAGMA integrity_check;`);

    test('answers from a database in memory', () =>
      equal({ args: alone, files, stdin: Buffer.concat([catalogue, questions]) }));

    test('writes a database into a file, the same to the byte', () =>
      equal({ args: [...alone, 'stars.db'], files, stdin: catalogue }));

    test('opens such a file again, answers from it, changes it, and undoes what fails', async () => {
      const made = await built().kernel({ args: [...alone, 'stars.db'], files, stdin: catalogue });
      const database = made.files['stars.db'] ?? new Uint8Array();
      const changes = text(`
        UPDATE star SET magnitude = magnitude - 0.5 WHERE class = 'A';
        DELETE FROM seen WHERE night % 3 = 0;
        INSERT INTO star(name) VALUES ('Vega');
        BEGIN; DELETE FROM seen; ROLLBACK;
        VACUUM;`);
      await equal({
        args: [...alone, 'stars.db'],
        files: { ...files, 'stars.db': database },
        stdin: Buffer.concat([changes, questions]),
      });
    });
  },
);

// Below all others: these have given it what to run.
sameEverywhere('programs of Debian’s', () => given);

/** Clauses of three literals, the same every time; four for each variable can mostly be met. */
function someClauses(variables: number, clauses: number): string {
  let random = 1;
  const next = (below: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  const literal = () => (next(variables) + 1) * (next(2) === 0 ? 1 : -1);
  const rows = Array.from({ length: clauses }, () => `${literal()} ${literal()} ${literal()} 0`);
  return [`p cnf ${variables} ${clauses}`, ...rows, ''].join('\n');
}

function pigeons(count: number): string {
  const holes = count - 1;
  const sits = (pigeon: number, hole: number) => pigeon * holes + hole + 1;
  const clauses: string[] = [];
  for (let pigeon = 0; pigeon < count; pigeon++) {
    const somewhere = Array.from({ length: holes }, (_, hole) => sits(pigeon, hole));
    clauses.push(`${somewhere.join(' ')} 0`);
    for (let other = 0; other < pigeon; other++) {
      for (let hole = 0; hole < holes; hole++) {
        clauses.push(`-${sits(pigeon, hole)} -${sits(other, hole)} 0`);
      }
    }
  }
  return [`p cnf ${count * holes} ${clauses.length}`, ...clauses, ''].join('\n');
}
