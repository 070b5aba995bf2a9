/** Who may ask over HTTP when one network asks and asks. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearerRate, strangerRate } from '../../../coordinator/api/request-limits.ts';
import { type ErrorBody, errorBodySchema } from '../../../protocol/errors.ts';
import { type RealGrid, startRealGrid } from '../../support/real-grid.ts';
import { joinVolunteer } from '../../support/volunteer.ts';

let grid: RealGrid;
beforeAll(async () => {
  grid = await startRealGrid();
});
afterAll(() => grid.stop());

/** From an address, as a proxy on the coordinator's machine tells it. */
const ask = (address: string, path: string, { headers, ...init }: RequestInit = {}) =>
  fetch(`${grid.url}${path}`, {
    ...init,
    headers: { 'x-forwarded-for': address, ...(headers as Record<string, string>) },
  });
const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
const status = async (reply: Promise<Response>) => {
  const { status, body } = await reply;
  await body?.cancel();
  return status;
};

/** Many at a time, so that it is faster than its count comes back on the slowest of machines. */
const atATime = 100;

/** Asks until it is refused; tells how often it was answered, and with what it was refused. */
async function exhaust(address: string, token: string | null) {
  const init = token === null ? {} : bearer(token);
  for (let answered = 0; ; ) {
    const replies = await Promise.all(
      Array.from({ length: atATime }, async () => {
        const reply = await ask(address, '/healthz', init);
        return { reply, text: await reply.text() };
      }),
    );
    answered += replies.filter(({ reply }) => reply.ok).length;
    const refused = replies.find(({ reply }) => !reply.ok);
    if (refused !== undefined)
      return { answered, reply: refused.reply, body: JSON.parse(refused.text) as ErrorBody };
  }
}

describe('a network that asks without a pause', () => {
  const [crowd, neighbour, elsewhere] = ['203.0.113.7', '203.0.113.200', '198.51.100.7'];

  it('[P4] is answered so often, then told when to come again, while others are answered', async () => {
    const { answered, reply, body } = await exhaust(crowd, null);
    expect(answered).toBeGreaterThanOrEqual(strangerRate.atOnce);
    expect(reply.status).toBe(429);
    expect(reply.headers.get('retry-after')).toBe('1');
    const { error } = errorBodySchema.parse(body);
    expect(error).toMatchObject({ code: 'requests_limit', retry: true });
    expect(error.retryAfterMs).toBeLessThanOrEqual(1000 / strangerRate.perSecond);
    expect(await status(ask(elsewhere, '/healthz'))).toBe(200);
    expect(await status(ask(elsewhere, '/v1/jobs'))).toBe(200);
  });

  it('keeps nobody in it from working for a token, or from uploading for a host', async () => {
    const token = await grid.makeToken('read');
    await expectCrowded(neighbour);
    for (let i = 0; i < 50; i++)
      expect(await status(ask(neighbour, '/v1/jobs', bearer(token)))).toBe(200);

    const volunteer = await joinVolunteer(grid.url, { address: neighbour });
    const output = randomBytes(2 * 1024 * 1024);
    const digest = `sha256:${createHash('sha256').update(output).digest('hex')}`;
    const uploadToken = volunteer.welcome?.uploadToken ?? '';
    const upload = { method: 'PUT', body: output, ...bearer(uploadToken) };
    await expectCrowded(neighbour);
    expect(await status(ask(neighbour, `/v1/artifacts/${digest}`, upload))).toBe(201);
  });

  it('[P4] gets no further with tokens that nobody gave it', async () => {
    await expectCrowded(neighbour);
    const { answered, reply } = await exhaust(neighbour, 'mh_guessed');
    expect(reply.status).toBe(429);
    expect(answered).toBeLessThan(strangerRate.atOnce);
  });

  it('shows in the metrics, by code', async () => {
    const text = await (await grid.fetch('/metrics')).text();
    expect(text).toMatch(/refusals_total\{door="http",code="requests_limit"\} [1-9]/);
  });

  /** It may have got one back since. */
  async function expectCrowded(address: string) {
    expect((await exhaust(address, null)).reply.status).toBe(429);
  }
});

describe('a token', () => {
  it('[P4] is for several times as many requests as a network without one has, and then for no more', async () => {
    const { answered, body } = await exhaust('192.0.2.7', await grid.makeToken('read'));
    expect(answered).toBeGreaterThanOrEqual(bearerRate.atOnce);
    expect(bearerRate.atOnce).toBeGreaterThan(2 * strangerRate.atOnce);
    expect(body.error.code).toBe('requests_limit');
    expect(await status(ask('192.0.2.8', '/healthz'))).toBe(200);
  });
});

describe('requests whose network is not known', () => {
  it('are not counted: behind a proxy that does not say for whom it asks, all would be one', async () => {
    for (let i = 0; i < strangerRate.atOnce + 50; i++)
      expect(await status(fetch(`${grid.url}/healthz`))).toBe(200);
  });
});
