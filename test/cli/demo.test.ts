/** The demo is the first thing anybody runs: it must work, tell the truth and leave nothing behind. */
import { readdirSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { mersenneExponents } from '../../jobs/mersenne/published.ts';
import { resultLineSchema } from '../../protocol/http.ts';
import { manyhands, startManyhands, temporaryFolder } from './manyhands.ts';
import { processesIn } from './processes.ts';

const home = temporaryFolder();
/** The demo's own folder is made below it, so that what runs in it can be found. */
const env = { TMPDIR: home };
const leftFolders = () => readdirSync(home).filter((name) => name.startsWith('manyhands-demo-'));

describe('the demo', () => {
  test('finds the 19 primes, agrees with what is published, and ends with 0 and nothing running', async () => {
    const { code, stdout, stderr } = await manyhands(['demo', '--json'], { home, env });
    expect(stderr).not.toContain('error[');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^Page: http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(stdout).toContain(mersenneExponents.filter((p) => p > 2 && p < 4500).join(' '));
    const told = JSON.parse(lines.at(-1) ?? '');
    expect(told).toMatchObject({ units: 609, canonical: 609, failed: 0 });
    expect(told.job).toMatch(/^j/);
    expect(Number(told.fuel)).toBeGreaterThan(1e9);
    expect(Number(told.creditMicro)).toBeGreaterThan(1000);
    expect(told.wallMs).toBeGreaterThan(0);
    expect(resultLineSchema.array().parse(told.results)).toHaveLength(609);
    expect(processesIn(home)).toEqual([]);
    expect(leftFolders()).toEqual([]);
  }, 120_000);

  test('stays up with --keep, shows its page, and ends with 0 at Ctrl-C', async () => {
    const demo = startManyhands(['demo', '--keep'], { home, env });
    const page = await demo.line('Page: ');
    await demo.line('It stays up');
    expect(await (await fetch(page)).text()).toContain('amber-otter');
    demo.kill('SIGINT');
    expect((await demo.ended).code).toBe(0);
    expect(processesIn(home)).toEqual([]);
    expect(leftFolders()).toEqual([]);
  }, 120_000);

  test('stopped in the middle leaves nothing running and no folder', async () => {
    const demo = startManyhands(['demo'], { home, env });
    await demo.line('20');
    demo.kill('SIGINT');
    expect((await demo.ended).code).toBe(130);
    expect(processesIn(home)).toEqual([]);
    expect(leftFolders()).toEqual([]);
  }, 120_000);

  test('killed outright leaves nothing running either', async () => {
    const demo = startManyhands(['demo'], { home, env });
    await demo.line('20');
    demo.kill('SIGKILL');
    await demo.ended;
    await vi.waitUntil(() => processesIn(home).length === 0, { timeout: 60_000, interval: 200 });
  }, 120_000);

  test('tells which of its children ended early, and what it said last', async () => {
    const before = leftFolders();
    const demo = startManyhands(['demo'], { home, env });
    await demo.line('20');
    const [coordinator] = processesIn(home).filter(({ args }) =>
      args.includes('main.js coordinator'),
    );
    process.kill(coordinator?.pid ?? 0, 'SIGKILL');
    const { code, stderr } = await demo.ended;
    expect(stderr).toContain('The coordinator of the demo ended early, with SIGKILL.');
    expect(code).toBe(1);
    await vi.waitUntil(() => processesIn(home).length === 0, { timeout: 60_000, interval: 200 });
    expect(leftFolders()).toEqual(before);
  }, 120_000);
});
