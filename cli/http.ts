/**
 * Requests to a coordinator: sent with the token, repeated a few times while nobody answers
 * (coordinators restart), and every way they can go wrong turned into a Failure that says what to do.
 * Of several coordinators the next is asked when one does not answer, and stays the one that is asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { type ErrorCode, errorBodySchema, errorFacts } from '../protocol/errors.ts';
import { eachUrl } from './command.ts';
import { Failure } from './failure.ts';
import { formatSeconds } from './format.ts';
import { say } from './terminal.ts';

/** Two seconds of repeats: enough for a restart behind a proxy, short for a wrong address. */
const retryDelaysMs = [200, 500, 1300];
/** As often as a coordinator that has had too many requests is asked again, each time when it said. */
const waitsMax = 3;
/** Longer than this nobody wants to look at a silent terminal: then it is said when to come again. */
const waitMsMax = 10_000;
/** A small question is answered in milliseconds; after half a minute the other side hangs. */
const replyTimeoutMs = 30_000;

export type Ask = RequestInit & {
  /** Streams and uploads take as long as the line is slow. */
  patient?: boolean;
};

export type Http = {
  /** The reply, when it is not an error. */
  request(path: string, init?: Ask): Promise<Response>;
  /** The reply's JSON, as the schema has it. */
  ask<T>(schema: z.ZodType<T>, path: string, init?: Ask): Promise<T>;
  /** The reply's bytes as they arrive. */
  stream(path: string, headers?: Record<string, string>): AsyncGenerator<Uint8Array>;
};

/** `urls`: as `parseUrls` has them. */
export function openHttp(urls: string, token: string | null): Http {
  const addresses = eachUrl(urls);
  let at = 0;
  const authorization: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token}` };

  const current = () => addresses[at] ?? urls;
  const everywhere = addresses.join(' or ');

  async function once(path: string, { patient, ...init }: Ask): Promise<Response> {
    const url = current();
    const reply = await fetch(`${url}${path}`, {
      ...init,
      signal: patient ? (init.signal ?? null) : AbortSignal.timeout(replyTimeoutMs),
      headers: { ...authorization, ...(init.headers as Record<string, string>) },
    }).catch((cause) => {
      throw unreachable(everywhere, cause);
    });
    if (!reply.ok) throw await refusal(reply, url);
    return reply;
  }

  async function request(path: string, init: Ask = {}): Promise<Response> {
    let [breaks, waits] = [0, 0];
    let left = addresses.length - 1;
    for (;;) {
      try {
        return await once(path, init);
      } catch (error) {
        if (isAway(error) && left-- > 0) {
          const before = current();
          at = (at + 1) % addresses.length;
          // Once of each is enough: the same is asked again a few times.
          if (breaks === 0) say(`${before} does not answer; asking ${current()}.`);
          continue;
        }
        left = addresses.length - 1;
        const askedMs = error instanceof Failure ? error.retryAfterMs : null;
        const pauseMs =
          askedMs === null
            ? isUnreachable(error) && retryDelaysMs[breaks++]
            : askedMs <= waitMsMax && waits++ < waitsMax && askedMs;
        if (pauseMs === false || pauseMs === undefined) throw error;
        await sleep(pauseMs);
      }
    }
  }

  return {
    request,
    async ask(schema, path, init) {
      const reply = await request(path, init);
      const parsed = schema.safeParse(await reply.json().catch(() => undefined));
      if (parsed.success) return parsed.data;
      throw new Failure('reply_unknown', `The reply of ${current()} was not understood.`, {
        why: `${path} did not answer in the form that this version knows`,
        remedy: 'check that the address is a coordinator, and that both sides are up to date',
        cause: parsed.error,
      });
    },
    async *stream(path, headers = {}) {
      const { body } = await request(path, { patient: true, headers });
      try {
        if (body !== null) yield* body;
      } catch (cause) {
        throw unreachable(everywhere, cause);
      }
    },
  };
}

/** Nobody answered, or nobody who can work at the moment: the same may succeed in a while. */
export const isUnreachable = (error: unknown): boolean =>
  isAway(error) || (error instanceof Failure && error.code === 'requests_limit');

/** Another coordinator of the grid may answer. */
const isAway = (error: unknown): boolean =>
  error instanceof Failure && ['unreachable', 'shutting_down', 'unavailable'].includes(error.code);

function unreachable(url: string, cause: unknown): Failure {
  const { name, cause: inner } = cause as Error & { cause?: NodeJS.ErrnoException };
  const known: Record<string, string> = {
    ECONNREFUSED: 'connection refused: nothing listens there',
    ENOTFOUND: 'the name of the machine is not known',
    ECONNRESET: 'the connection was cut',
    UND_ERR_SOCKET: 'the connection was cut',
  };
  const why =
    name === 'TimeoutError'
      ? `no reply within ${replyTimeoutMs / 1000} s`
      : (known[inner?.code ?? ''] ?? inner?.message ?? 'the request could not be sent');
  return new Failure('unreachable', `No coordinator answers at ${url}.`, {
    why,
    remedy: 'start one with `manyhands coordinator`, or name another with --url',
    cause,
  });
}

/** An error reply as a Failure. A HEAD, or a proxy on the way, leaves us with a status only. */
async function refusal(reply: Response, url: string): Promise<Failure> {
  const parsed = errorBodySchema.safeParse(await reply.json().catch(() => undefined));
  if (!parsed.success) return refusalByStatus(reply, url);
  const { code, message, detail, issues, retryAfterMs } = parsed.data.error;
  const why = issues.map(({ path, expected }) => `${path}: ${expected}`);
  return new Failure(code, message, {
    why: why.length > 0 ? why : detail || `${url} answered with status ${reply.status}`,
    remedy:
      retryAfterMs === undefined
        ? (remedies[code] ?? 'mend what is said above and try again')
        : againIn(retryAfterMs),
    retryAfterMs: retryAfterMs ?? null,
  });
}

const againIn = (ms: number): string => `try again in ${formatSeconds(Math.ceil(ms / 1000))}`;

function refusalByStatus({ status, headers }: Response, url: string): Failure {
  const byStatus: Record<number, ErrorCode> = {
    401: 'unauthorized',
    403: 'forbidden',
    404: 'artifact_unknown',
    413: 'too_large',
    429: 'requests_limit',
    502: 'unavailable',
    503: 'unavailable',
    504: 'unavailable',
  };
  const code = byStatus[status] ?? (status >= 500 ? 'internal' : 'bad_request');
  const seconds = headers.get('retry-after') ?? '';
  const retryAfterMs = /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : null;
  return new Failure(code, errorFacts(code).sentence, {
    why: `${url} answered with status ${status}`,
    remedy: retryAfterMs === null ? (remedies[code] ?? 'check the address') : againIn(retryAfterMs),
    retryAfterMs,
  });
}

const remedies: Partial<Record<ErrorCode, string>> = {
  bad_document: 'correct the job document and submit it again',
  not_served_yet: 'leave that part out, or wait for a release that serves it',
  kernel_refused: '`manyhands kernel inspect` tells more about the kernel',
  request_unsigned: 'sign with the key that earned the credit: --data names its folder',
  unauthorized: 'pass --token-file, or run this on the coordinator’s own machine',
  token_expired: 'ask the operator for a new one, and put it where the old one was',
  token_revoked: 'ask the operator for a new one, and put it where the old one was',
  token_unknown: '`manyhands token list` shows the tokens there are',
  forbidden: 'ask the operator for a token that may',
  link_unknown: 'check the code and the address: a code is good on the grid that gave it',
  link_used: 'run `manyhands link` on the first machine once more',
  link_expired: 'run `manyhands link` on the first machine once more',
  link_locked: 'run `manyhands link` on the first machine once more',
  link_limit: 'try again in some minutes',
  team_unknown: 'check how it is written, or found it with `manyhands team create NAME`',
  team_taken: 'join it with `manyhands team join NAME`, or choose another name',
  team_limit: 'join one of them, or have somebody else found it',
  host_unknown: '`manyhands host list` shows the hosts that are connected',
  ban_unknown: '`manyhands host list` shows what is banned',
  kernel_not_disabled: '`manyhands kernel disabled` shows those that are',
  credit_insufficient:
    'earn some: `manyhands join` with this account’s key; or ask the operator to curate the job',
  kernel_disabled: 'use another kernel, or ask the operator',
  job_unknown: '`manyhands list` shows the jobs there are',
  job_held: '`manyhands show` tells how much of it is final; most is after a month',
  job_over: '`manyhands show` tells how it ended',
  protocol_unknown: 'update manyhands on this side or on the other',
  shutting_down: 'try again in a moment',
  unavailable: 'try again later; the operator sees the reason in the log',
  crowded: 'try again in a minute',
  requests_limit: 'try again in a minute',
  uploads_limit: 'try again later, or ask the operator to upload it',
  upload_stalled: 'try again over a better line',
  storage_low: 'try again later; the operator has to make room',
  busy: 'submit again in a minute',
  archive_damaged: 'tell the operator: a backup has the file as it was',
  internal: 'try again; if it stays, tell the operator',
};
