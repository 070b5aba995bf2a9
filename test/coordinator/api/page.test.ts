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
