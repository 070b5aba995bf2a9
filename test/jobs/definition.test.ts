import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineJob } from '../../jobs/definition.ts';

const bytes = Buffer.from('any bytes: a definition does not look inside the kernel');
const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
let folder: string;
let kernel: URL;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'manyhands-definition-'));
  kernel = pathToFileURL(join(folder, 'kernel.wasm'));
  writeFileSync(kernel, bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a job definition', () => {
  it('becomes a whole job document and the bytes it names', async () => {
    const job = defineJob({
      name: 'squares',
      kernel,
      units: { sweep: { n: { from: 1, count: 1000 }, mode: ['fast', 'slow'] } },
      run: {
        args: ({ n, mode }) => ['--n', n, `--mode=${mode}`],
        env: ({ index }) => ({ SEED: index }),
        outputs: ['/out/*'],
      },
    });
    const { document, artifacts } = await job.prepare();
    expect(document).toMatchObject({
      version: 1,
      name: 'squares',
      kernel: digest,
      units: { sweep: { n: { from: 1, count: 1000, step: 1 }, mode: ['fast', 'slow'] } },
      run: {
        args: ['--n', '{n}', '--mode={mode}'],
        env: { SEED: '{index}' },
        outputs: ['/out/*'],
      },
      trust: 'A1',
    });
    expect([...artifacts]).toEqual([[digest, bytes]]);
  });

  it('offers the names that its units have', async () => {
    const range = defineJob({
      name: 'range',
      kernel,
      units: { range: { count: 3 } },
      run: { args: ({ value }) => [value] },
    });
    const objects = defineJob({
      name: 'objects',
      kernel,
      units: { list: [{ ra: 1, dec: 2 }] },
      run: { args: ({ ra, dec }) => [ra, dec] },
    });
    expect((await range.prepare()).document.run.args).toEqual(['{value}']);
    expect((await objects.prepare()).document.run.args).toEqual(['{ra}', '{dec}']);
  });

  it('does not compile with a name that its units lack', () => {
    defineJob({
      name: 'misspelt',
      kernel,
      units: { range: { count: 3 } },
      // @ts-expect-error: units of a range have `value` and `index`
      run: { args: ({ vlaue }) => [vlaue] },
    });
  });

  it('needs no arguments', async () => {
    const { document } = await defineJob({
      name: 'plain',
      kernel,
      units: { range: { count: 1 } },
    }).prepare();
    expect(document.run).toEqual({ args: [], env: {}, stdin: null, files: {}, outputs: [] });
  });

  it('refuses what a document cannot be, and names the field', async () => {
    const job = defineJob({ name: 'none', kernel, units: { range: { count: 0 } } });
    await expect(job.prepare()).rejects.toThrow(/"units"/);
  });
});
