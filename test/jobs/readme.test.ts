/** What jobs/README.md promises a scientist, kept. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobDocumentSchema, unservedParts } from '../../protocol/job.ts';
import { fillTemplate, unitCount, unitParams } from '../../protocol/unit-rule.ts';
import { hostKernel, type KernelHost } from './kernel-host.ts';

const readme = readFileSync(new URL('../../jobs/README.md', import.meta.url), 'utf8');
const block = (language: string): string =>
  readme.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

let folder: string;
let host: KernelHost;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'manyhands-readme-'));
  writeFileSync(join(folder, 'collatz.ts'), block('ts'));
  host = hostKernel(join(folder, 'collatz.ts'));
});
afterAll(() => {
  host.close();
  rmSync(folder, { recursive: true });
});

describe('the job of jobs/README.md', () => {
  it('gives the answer it says', () => {
    const end = host.run(['--from', '1', '--count', '999999']);
    expect(end).toEqual({ exitCode: 0, stdout: '{"start":837799,"steps":524}\n', stderr: '' });
    expect(readme).toContain(end.stdout.trim());
  });

  it('is a document that a coordinator takes, with arguments that its kernel takes', () => {
    const written = { ...JSON.parse(block('json')), kernel: `sha256:${'0'.repeat(64)}` };
    const document = jobDocumentSchema.parse(written);
    expect(unservedParts(document)).toEqual([]);
    expect(unitCount(document.units)).toBe(100);
    const params = unitParams(document.units, 83);
    const args = document.run.args.map((arg) => fillTemplate(arg, params, 83));
    expect(host.run(args).stdout).toBe('{"start":837799,"steps":524}\n');
  });
});
