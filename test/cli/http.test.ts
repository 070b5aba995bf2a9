/**
 * The commands against a coordinator that misbehaves in every way a network can: it hangs up, it
 * answers half, it is not a coordinator at all.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../cli/exit-codes.ts';
import { openHttp } from '../../cli/http.ts';
import {
  type ErrorCode,
  errorBody,
  errorCodes,
  errorFacts,
  GridError,
} from '../../protocol/errors.ts';
import {
  documentExample,
  jobViewExample,
  resultLineExamples,
  submittedExample,
} from '../../protocol/examples.ts';
import { manyhands, temporaryFolder } from './manyhands.ts';

const home = temporaryFolder();
writeFileSync(join(home, 'job.json'), JSON.stringify(documentExample));
const { jobId } = submittedExample;

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** Answers each request with the next of the replies, the last one for ever; tells what was asked. */
async function serve(...replies: ((reply: ServerResponse, request: IncomingMessage) => void)[]) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, reply) => {
    const answer = replies[Math.min(asked.length, replies.length - 1)];
    asked.push(request);
    answer?.(reply, request);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { MANYHANDS_URL: url, MANYHANDS_TOKEN: 'secret' };
  return { url, asked, cli: (...args: string[]) => manyhands(args, { home, env }) };
}

const hangUp = (reply: ServerResponse) => reply.socket?.destroy();
const json =
  (body: unknown, status = 200) =>
  (reply: ServerResponse) => {
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const error = (code: ErrorCode) =>
  json(errorBody(new GridError(code)), errorFacts(code).httpStatus);
const line = (unit: number) => `${JSON.stringify({ ...resultLineExamples[0], unit })}\n`;

describe('of two coordinators', () => {
  test('the one that does not answer is left for the other, with a word', async () => {
    const gone = await serve(hangUp);
    const there = await serve(json(jobViewExample));
    const both = `${gone.url}/,${there.url}`;
    const { code, stdout, stderr } = await gone.cli('show', jobId, '--json', '--url', both);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(jobViewExample);
    expect(stderr).toBe(`${gone.url} does not answer; asking ${there.url}.\n`);
    expect([gone.asked.length, there.asked.length]).toEqual([1, 1]);
  });

  test('neither answers: both are named, and asked as often as one would be', async () => {
    const [one, other] = [await serve(hangUp), await serve(hangUp)];
    const both = `${one.url},${other.url}`;
    const { code, stderr } = await one.cli('show', jobId, '--url', both);
    expect(code).toBe(exitCodeOf('unreachable'));
    expect(stderr).toContain(`No coordinator answers at ${one.url} or ${other.url}.`);
    expect([one.asked.length, other.asked.length]).toEqual([4, 4]);
  });

  test('what one of them refuses is not asked of the other', async () => {
    const refusing = await serve(error('job_unknown'));
    const other = await serve(json(jobViewExample));
    const { code } = await refusing.cli('show', jobId, '--url', `${refusing.url},${other.url}`);
    expect(code).toBe(exitCodeOf('job_unknown'));
    expect(other.asked.length).toBe(0);
  });

  test('an address that is none is told by itself', async () => {
    const { cli, url } = await serve(hangUp);
    const { code, stderr } = await cli('show', jobId, '--url', `${url},grid.example.org`);
    expect(code).toBe(2);
    expect(stderr).toContain('"grid.example.org" is no address of a coordinator.');
  });
});

describe('a submission whose reply was lost', () => {
  test('is repeated with the same key, so that there is one job', async () => {
    const { asked, cli } = await serve(hangUp, hangUp, json(submittedExample, 201));
    const { code, stdout } = await cli('submit', 'job.json', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(submittedExample);
    const keys = asked.map((request) => request.headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(asked[0]?.headers.authorization).toBe('Bearer secret');
  });

  test('has another key the next time', async () => {
    const { asked, cli } = await serve(json(submittedExample, 201));
    await cli('submit', 'job.json');
    await cli('submit', 'job.json');
    expect(new Set(asked.map((request) => request.headers['idempotency-key'])).size).toBe(2);
  });
});

describe('a coordinator that has had too many requests', () => {
  const limited = (retryAfterMs: number) => (reply: ServerResponse) => {
    const error = new GridError('requests_limit', '', { retryAfterMs });
    reply.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
    json(errorBody(error), 429)(reply);
  };

  test('is asked again when it said, and nobody sees anything of it', async () => {
    const { asked, cli } = await serve(
      limited(20),
      limited(20),
      json({ jobs: [jobViewExample], more: null }),
    );
    const { code, stdout } = await cli('list', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(asked).toHaveLength(3);
  });

  test('and goes on refusing is told, with when to come again', async () => {
    const { asked, cli } = await serve(limited(20));
    const { code, stderr } = await cli('list');
    expect(asked).toHaveLength(4);
    expect(stderr).toContain('error[requests_limit]: Too many requests came from your network');
    expect(stderr).toMatch(/do: +try again in 1 s/);
    expect(code).toBe(7);
  });

  test('is not waited for when that would be long', async () => {
    const { asked, cli } = await serve(limited(120_000));
    const { code, stderr } = await cli('list');
    expect(asked).toHaveLength(1);
    expect(stderr).toMatch(/do: +try again in 2.0 min/);
    expect(code).toBe(7);
  });

  test('may be a proxy that says it in a header alone', async () => {
    const { asked, cli } = await serve(
      (reply) => reply.writeHead(429, { 'retry-after': '0' }).end('slow down'),
      json({ jobs: [], more: null }),
    );
    expect((await cli('list')).code).toBe(0);
    expect(asked).toHaveLength(2);
  });
});

describe('a download that breaks off', () => {
  test('goes on after the last unit that arrived', async () => {
    const { asked, cli } = await serve(
      (reply) => {
        reply.write(line(0) + line(1) + line(2).slice(0, 40));
        setTimeout(() => hangUp(reply), 50);
      },
      (reply) => reply.end(line(2) + line(3)),
    );
    const { code, stdout } = await cli('results', jobId);
    expect(code).toBe(0);
    const units = stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).unit);
    expect(units).toEqual([0, 1, 2, 3]);
    expect(
      asked.map((request) => new URL(request.url ?? '', 'http://x').searchParams.get('from')),
    ).toEqual(['0', '2']);
  });
});

describe('the list of jobs', () => {
  const page = (count: number, more: string | null) =>
    json({ jobs: Array.from({ length: count }, () => jobViewExample), more });

  test('asks for as many pages as it shows, and says when there are older ones', async () => {
    const { asked, cli } = await serve(page(100, '7-j'), page(100, '3-j'));
    const { stdout, stderr } = await cli('list', '--max', '150', '--json');
    expect(JSON.parse(stdout)).toHaveLength(150);
    expect(asked.map(({ url }) => url)).toEqual(['/v1/jobs', '/v1/jobs?after=7-j']);
    expect(stderr).toContain('There are older ones; --max shows more of them.');
  });

  test('says nothing of that at its end', async () => {
    const { cli } = await serve(page(100, '7-j'), page(3, null));
    const { stdout, stderr } = await cli('list', '--max', '1000', '--json');
    expect(JSON.parse(stdout)).toHaveLength(103);
    expect(stderr).toBe('');
  });
});

describe('an export', () => {
  test('into a folder that is there fetches nothing but what it is called', async () => {
    mkdirSync(join(home, 'old', jobViewExample.jobId), { recursive: true });
    const { asked, cli } = await serve(json(jobViewExample));
    const { code, stderr } = await cli('job', 'export', jobViewExample.jobId, '--out', 'old');
    expect(stderr).toMatch(/error\[file_unsuitable\].*\n {2}why: there is something/);
    expect(code).toBe(2);
    expect(asked.map(({ url }) => url)).toEqual([`/v1/jobs/${jobViewExample.jobId}`]);
  });
});

describe('watching', () => {
  test('goes on while the coordinator is away, and tells', async () => {
    const complete = {
      ...jobViewExample,
      state: 'complete',
      canonical: 5,
      failed: 0,
      running: 0,
      waiting: 0,
    };
    const away = [1, 2, 3, 4, 5].map(() => error('shutting_down'));
    const { cli } = await serve(json(jobViewExample), ...away, json(complete));
    const { code, stderr } = await cli('watch', jobId);
    expect(stderr).toContain('does not answer; trying again');
    expect(code).toBe(0);
  });
});

describe('an error of the coordinator', () => {
  test.concurrent.each(errorCodes)('%s keeps its code and its sentence', async (code) => {
    const { url } = await serve(error(code));
    const failure = await openHttp(url, null)
      .request('/')
      .catch((thrown) => thrown);
    expect(failure).toMatchObject({ code, message: errorFacts(code).sentence });
    expect(failure.remedy).not.toBe('');
    expect(exitCodeOf(code)).toBeGreaterThan(0);
  });

  test('lists every issue of a document', async () => {
    const issues = [
      { path: 'name', expected: 'expected a name' },
      { path: 'units.sweep.p', expected: 'expected at least one value' },
    ];
    const { cli } = await serve(
      json(errorBody(new GridError('bad_document', '', { issues })), 400),
    );
    const { code, stderr } = await cli('submit', 'job.json');
    expect(stderr).toContain('why: name: expected a name\n  why: units.sweep.p: expected at least');
    expect(code).toBe(2);
  });

  test('of a stranger cannot write to the terminal', async () => {
    const { cli } = await serve(
      json(errorBody(new GridError('job_unknown', '\u001b]0;owned\u0007')), 404),
    );
    const { stderr } = await cli('show', jobId);
    expect(stderr).toContain('owned');
    for (const character of ['\u001b', '\u0007']) expect(stderr).not.toContain(character);
  });
});

describe('an address that is no coordinator', () => {
  test('is told as one that was not understood', async () => {
    const { cli } = await serve((reply) => reply.end('<html>Welcome to nginx</html>'));
    const { code, stderr } = await cli('list');
    expect(stderr).toContain('error[reply_unknown]');
    expect(code).toBe(1);
  });

  test('behind a proxy that is up ends with 6', async () => {
    const { cli } = await serve((reply) => reply.writeHead(502).end('Bad gateway'));
    const { code, stderr } = await cli('list');
    expect(stderr).toContain('status 502');
    expect(code).toBe(6);
  });
});

describe('output that is cut off', () => {
  test('by a reader that has seen enough is no error', async () => {
    const { cli } = await serve((reply) =>
      reply.end(Array.from({ length: 20_000 }, (_, i) => line(i)).join('')),
    );
    const { code, stdout } = await cli('results', jobId);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(20_001);
  });
});
