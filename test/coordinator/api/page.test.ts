import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

test('the page shows hostile names of jobs and volunteers as text', async () => {
  const hostile = `<script>alert('x')</script>"'&amp;<img src=x onerror=y>`;
  await grid.submit(1, { name: hostile });
  const host = await joinVolunteer(grid.url, { hello: { name: hostile.slice(0, 60) } });
  await host.finish(await host.want(1));
  await host.next('credited');
  const reply = await fetch(`${grid.url}/`);
  expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await reply.text();
  expect(page).not.toMatch(/<script|<img|onerror=y>/);
  const shown = '&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&#39;&amp;amp;';
  expect(page.split(shown)).toHaveLength(3);
});

test('each job is on one of the pages, which link to each other', async () => {
  const names = Array.from({ length: 45 }, (_, i) => `paged-${i}`);
  for (const name of names) await grid.submit(1, { name });
  const found: string[] = [];
  let path: string | undefined = '/';
  let pages = 0;
  for (; path !== undefined; pages++) {
    const page = await (await fetch(`${grid.url}${path}`)).text();
    found.push(...[...page.matchAll(/paged-\d+/g)].map(([name]) => name));
    expect(page.includes('<a href="/">Newest jobs</a>')).toBe(pages > 0);
    path = /<a href="([^"]+)" rel="next">Older jobs<\/a>/.exec(page)?.[1];
  }
  expect(pages).toBe(3);
  expect(found).toEqual(names.reverse());
});
