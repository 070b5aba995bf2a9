import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInChromium, launchChromium } from '../support/chromium.ts';
import { type RealGrid, startRealGrid } from '../support/real-grid.ts';
import { joinVolunteer } from '../support/volunteer.ts';

describeInChromium('the page of a grid', () => {
  let browser: Browser;
  let grid: RealGrid;
  beforeAll(async () => {
    [browser, grid] = await Promise.all([launchChromium(), startRealGrid()]);
    await grid.submit(12, { name: 'short' });
    await grid.submit(1_000_000, { name: `A search for ${'narrow '.repeat(15)}` });
  });
  afterAll(async () => {
    await Promise.all([browser.close(), grid.stop()]);
  });

  /** Puts a name on the leaderboard: as long as names may be, and no place to break it. */
  async function earn(): Promise<void> {
    const host = await joinVolunteer(grid.url, { hello: { name: 'x'.repeat(60) } });
    await host.finish(await host.want(1));
    await host.next('credited');
  }

  async function visit(options: BrowserContextOptions): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(grid.url);
    return page;
  }
  const phone = { viewport: { width: 320, height: 640 } };

  it.each([
    ['a phone', phone],
    ['a desk', { viewport: { width: 1280, height: 800 } }],
  ])('shows tables that have a name, and cells that have a column, on %s', async (_, options) => {
    await earn();
    const page = await visit(options);
    const tree = await page.locator('main').ariaSnapshot();
    for (const name of ['Jobs', 'Leaderboard']) {
      expect(tree).toContain(`- heading "${name}" [level=2]`);
      expect(tree).toContain(`- table "${name}"`);
    }
    expect(tree).toContain('- columnheader "Progress"');
    expect(tree).toContain('- rowheader "short');
    expect(tree).toMatch(/- progressbar "\d+ of 12 units done"/);
  });

  it('is no wider than the screen of a small phone', async () => {
    await earn();
    const page = await visit(phone);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(320);
  });

  it('is dark where a person wants it dark', async () => {
    const background = async (colorScheme: 'light' | 'dark') =>
      (await visit({ colorScheme })).evaluate(
        `document.body.style.background = 'Canvas', getComputedStyle(document.body).backgroundColor`,
      );
    expect(await background('light')).toBe('rgb(255, 255, 255)');
    expect(await background('dark')).toMatch(/^rgb\((\d|[1-3]\d), /);
  });

  it('asks for nothing but itself', async () => {
    const page = await visit(phone);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    expect(asked).toEqual(['/']);
  });
});
