/** The list of jobs, a page at a time; with a grid of its own, for there are many. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobListSchema, submittedSchema } from '../../../protocol/http.ts';
import { json, type RealGrid, refusal, startRealGrid } from '../../support/real-grid.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('a job is found in the list however old it is, each once, and by whoever may see it alone', async () => {
  const owner = await grid.makeToken('submit');
  const submit = (token: string, isPublic: boolean) => {
    const document = { name: 'a job', kernel: grid.kernel, units: { range: { count: 1 } } };
    const init = json({ ...document, public: isPublic });
    const headers = { ...(init.headers as Record<string, string>), ...bearer(token) };
    return grid.fetch('/v1/jobs', { ...init, headers });
  };
  const submitted: { jobId: string; isPublic: boolean }[] = [];
  // More private ones in a row than a page has.
  for (const isPublic of [...Array(3).fill(true), ...Array(110).fill(false), true]) {
    const { jobId } = submittedSchema.parse(await (await submit(owner, isPublic)).json());
    submitted.unshift({ jobId, isPublic });
  }
  const read = async (token: string) => {
    const [jobIds, pages] = [[] as string[], [] as number[]];
    for (let after: string | null = ''; after !== null; ) {
      const reply = await grid.fetch(`/v1/jobs${after && `?after=${after}`}`, {
        headers: bearer(token),
      });
      const { jobs, more } = jobListSchema.parse(await reply.json());
      jobIds.push(...jobs.map(({ jobId }) => jobId));
      pages.push(jobs.length);
      after = more;
    }
    return { jobIds, pages };
  };
  const ours = await read(owner);
  expect(ours.jobIds.slice(0, 114)).toEqual(submitted.map(({ jobId }) => jobId));
  expect(new Set(ours.jobIds).size).toBe(ours.jobIds.length);
  expect(ours.pages[0]).toBe(100);
  const theirs = await read(await grid.makeToken('submit'));
  const open = submitted.filter(({ isPublic }) => isPublic).map(({ jobId }) => jobId);
  expect(theirs.jobIds.slice(0, 4)).toEqual(open);
});

test.each(['x', '1-j', '-1-j0000000000000000', 'constructor', '1e3-j0000000000000000'])(
  '[P1] no job is listed after %s, which is no place in a list',
  async (after) => {
    for (const path of ['/v1/jobs', '/']) {
      const reply = await grid.fetch(`${path}?after=${after}`);
      expect(await refusal(reply)).toMatchObject({ status: 400, code: 'bad_request' });
    }
  },
);
