import { z } from 'zod';

/**
 * Every error that leaves the coordinator, in one table. `closeCode` is set where the error ends
 * a WebSocket session; `retry` says whether the same request may succeed later unchanged.
 */
const catalogue = {
  bad_request: {
    httpStatus: 400,
    closeCode: 4400,
    retry: false,
    sentence: 'The request does not have the expected form.',
  },
  bad_document: {
    httpStatus: 400,
    closeCode: null,
    retry: false,
    sentence: 'The job document is not valid.',
  },
  not_served_yet: {
    httpStatus: 400,
    closeCode: null,
    retry: false,
    sentence: 'This grid does not serve that part of the job document yet.',
  },
  kernel_refused: {
    httpStatus: 400,
    closeCode: null,
    retry: false,
    sentence: 'The kernel cannot run on this grid.',
  },
  digest_mismatch: {
    httpStatus: 400,
    closeCode: null,
    retry: true,
    sentence: 'The bytes do not have the digest they were announced with.',
  },
  unauthorized: {
    httpStatus: 401,
    closeCode: null,
    retry: false,
    sentence: 'A token is needed: pass --token-file or set MANYHANDS_TOKEN.',
  },
  token_expired: {
    httpStatus: 401,
    closeCode: null,
    retry: false,
    sentence: 'This token has expired: ask the operator for a new one.',
  },
  token_revoked: {
    httpStatus: 401,
    closeCode: null,
    retry: false,
    sentence: 'This token was revoked: ask the operator for a new one.',
  },
  request_unsigned: {
    httpStatus: 401,
    closeCode: null,
    retry: false,
    sentence: 'This takes a request signed by the key of the account that it is about.',
  },
  forbidden: {
    httpStatus: 403,
    closeCode: 4403,
    retry: false,
    sentence: 'This token or key may not do that.',
  },
  kernel_disabled: {
    httpStatus: 403,
    closeCode: null,
    retry: false,
    sentence: 'An operator has disabled this kernel: no job of it runs here.',
  },
  host_banned: {
    httpStatus: 403,
    closeCode: 4410,
    retry: false,
    sentence: 'An operator has banned this host.',
  },
  job_unknown: { httpStatus: 404, closeCode: null, retry: false, sentence: 'No such job.' },
  token_unknown: { httpStatus: 404, closeCode: null, retry: false, sentence: 'No such token.' },
  host_unknown: {
    httpStatus: 404,
    closeCode: null,
    retry: false,
    sentence: 'No such host has worked here, or is connected.',
  },
  ban_unknown: { httpStatus: 404, closeCode: null, retry: false, sentence: 'That is not banned.' },
  kernel_not_disabled: {
    httpStatus: 404,
    closeCode: null,
    retry: false,
    sentence: 'That kernel is not disabled.',
  },
  credit_insufficient: {
    httpStatus: 402,
    closeCode: null,
    retry: false,
    sentence: 'There is no credit left to pay for this.',
  },
  standing_unknown: {
    httpStatus: 404,
    closeCode: null,
    retry: false,
    sentence: 'Nothing of that name has earned credit.',
  },
  unit_unknown: { httpStatus: 404, closeCode: null, retry: false, sentence: 'No such unit.' },
  team_unknown: {
    httpStatus: 404,
    closeCode: 4404,
    retry: false,
    sentence: 'No team has that name: check how it is written, or found it with `team create`.',
  },
  link_unknown: {
    httpStatus: 404,
    closeCode: null,
    retry: false,
    sentence: 'This grid has not given out that code.',
  },
  artifact_unknown: {
    httpStatus: 404,
    closeCode: null,
    retry: true,
    sentence: 'No artifact with that digest is stored here.',
  },
  route_unknown: {
    httpStatus: 404,
    closeCode: null,
    retry: false,
    sentence: 'There is nothing at this address.',
  },
  job_over: {
    httpStatus: 409,
    closeCode: null,
    retry: false,
    sentence: 'The job has already ended.',
  },
  job_held: {
    httpStatus: 409,
    closeCode: null,
    retry: true,
    sentence:
      'Not all of the job is final yet: its results may still be checked, and its pay revoked.',
  },
  team_taken: {
    httpStatus: 409,
    closeCode: null,
    retry: false,
    sentence: 'A team has that name, or one that looks like it.',
  },
  team_limit: {
    httpStatus: 409,
    closeCode: null,
    retry: false,
    sentence: 'This account has founded as many teams as it may.',
  },
  link_used: {
    httpStatus: 409,
    closeCode: null,
    retry: false,
    sentence: 'That code has linked a host already; `manyhands link` shows a new one.',
  },
  link_expired: {
    httpStatus: 410,
    closeCode: null,
    retry: false,
    sentence: 'That code has expired, after ten minutes; `manyhands link` shows a new one.',
  },
  link_locked: {
    httpStatus: 403,
    closeCode: null,
    retry: false,
    sentence: 'That code is void after three wrong tries; `manyhands link` shows a new one.',
  },
  link_limit: {
    httpStatus: 503,
    closeCode: null,
    retry: true,
    sentence: 'Too many codes are open on this grid: try again in some minutes.',
  },
  link_tries: {
    httpStatus: 429,
    closeCode: null,
    retry: true,
    sentence: 'Too many codes were asked for, or tried, from your network: wait a while.',
  },
  too_large: {
    httpStatus: 413,
    closeCode: 1009,
    retry: false,
    sentence: 'The message is larger than this grid accepts.',
  },
  range_unsatisfiable: {
    httpStatus: 416,
    closeCode: null,
    retry: false,
    sentence: 'The artifact has no such range.',
  },
  protocol_unknown: {
    httpStatus: 426,
    closeCode: 4426,
    retry: false,
    sentence: 'Your worker speaks another version of the protocol: update manyhands.',
  },
  out_of_order: {
    httpStatus: 400,
    closeCode: 4409,
    retry: false,
    sentence: 'That message may not be sent at this moment of a session.',
  },
  signature_invalid: {
    httpStatus: 403,
    closeCode: 4401,
    retry: false,
    sentence: 'The host key did not sign this session.',
  },
  lease_invalid: {
    httpStatus: 403,
    closeCode: null,
    retry: false,
    sentence: 'This lease was not granted to this host.',
  },
  hello_timeout: {
    httpStatus: 408,
    closeCode: 4408,
    retry: true,
    sentence: 'No hello arrived in time.',
  },
  shutting_down: {
    httpStatus: 503,
    closeCode: 1012,
    retry: true,
    sentence: 'The coordinator is restarting: reconnect in a moment.',
  },
  unavailable: {
    httpStatus: 503,
    closeCode: 1013,
    retry: true,
    sentence: 'The grid cannot store anything at the moment; nothing was accepted.',
  },
  crowded: {
    httpStatus: 503,
    closeCode: 1013,
    retry: true,
    sentence: 'This coordinator takes no more hosts for now, or no more from your network.',
  },
  requests_limit: {
    httpStatus: 429,
    closeCode: null,
    retry: true,
    sentence: 'Too many requests came from your network, or with your token: wait a moment.',
  },
  uploads_limit: {
    httpStatus: 429,
    closeCode: null,
    retry: true,
    sentence: 'Too much was uploaded that no result has named yet, or is just being: wait a while.',
  },
  upload_stalled: {
    httpStatus: 408,
    closeCode: null,
    retry: true,
    sentence: 'The upload stood still for a minute, or nearly did, and was ended.',
  },
  storage_low: {
    httpStatus: 503,
    closeCode: null,
    retry: true,
    sentence:
      'The disk of this grid is nearly full: large files are taken again when there is room.',
  },
  busy: {
    httpStatus: 503,
    closeCode: null,
    retry: true,
    sentence: 'Too many kernels wait to be prepared: submit again in a minute.',
  },
  archive_damaged: {
    httpStatus: 500,
    closeCode: null,
    retry: false,
    sentence: 'A file of the archive is damaged: the operator has to restore it from a backup.',
  },
  internal: {
    httpStatus: 500,
    closeCode: 1011,
    retry: true,
    sentence: 'The coordinator made a mistake; its log tells more.',
  },
} as const;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

export type ErrorFacts = {
  httpStatus: number;
  closeCode: number | null;
  retry: boolean;
  sentence: string;
};
export const errorFacts = (code: ErrorCode): ErrorFacts => catalogue[code];

/** Where a document is wrong and what was expected there. */
export const issueSchema = z.object({ path: z.string(), expected: z.string() });
export type DocumentIssue = z.infer<typeof issueSchema>;

/** An error a stranger may read: a stable code, the catalogue's sentence and what is particular. */
export class GridError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly issues: readonly DocumentIssue[];
  /** When to try again, where that is known. */
  readonly retryAfterMs: number | null;

  constructor(
    code: ErrorCode,
    detail = '',
    options: { cause?: unknown; issues?: DocumentIssue[]; retryAfterMs?: number } = {},
  ) {
    super(detail === '' ? errorFacts(code).sentence : `${errorFacts(code).sentence} ${detail}`, {
      cause: options.cause,
    });
    this.name = 'GridError';
    this.code = code;
    this.detail = detail;
    this.issues = options.issues ?? [];
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** The body of every HTTP error reply. */
export const errorBodySchema = z.object({
  error: z.object({
    code: z.enum(errorCodes),
    message: z.string(),
    detail: z.string(),
    retry: z.boolean(),
    issues: z.array(issueSchema),
    /** When to try again, where that is known; the header Retry-After says it too. */
    retryAfterMs: z.int().optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export function errorBody(error: GridError): ErrorBody {
  const { retry, sentence } = errorFacts(error.code);
  return {
    error: {
      code: error.code,
      message: sentence,
      detail: error.detail,
      retry,
      issues: [...error.issues],
      ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
    },
  };
}

/** zod's issues as `{path, expected}`, the form in which a scientist reads what to mend. */
export function issuesOf(error: z.ZodError): DocumentIssue[] {
  return error.issues.flatMap((issue) => nearestIssues(issue, []));
}

/**
 * Where a field takes several forms, zod says only that none of them fits. The form that was meant
 * is the one that knows every field that is there; what is wrong with that one is worth telling.
 */
function nearestIssues(issue: z.core.$ZodIssue, outer: PropertyKey[]): DocumentIssue[] {
  const path = [...outer, ...issue.path];
  if (issue.code === 'invalid_union') {
    const fitting = issue.errors.filter((form) =>
      form.every(({ code, path }) => code !== 'unrecognized_keys' && path.length > 0),
    );
    const [meant, another] = fitting;
    if (meant !== undefined && another === undefined) {
      return meant.flatMap((inner) => nearestIssues(inner, path));
    }
  }
  const [inner] = issue.code === 'invalid_key' ? issue.issues : [];
  return [
    {
      path: path.map((step) => String(step)).join('.') || '(document)',
      expected: (inner ?? issue).message,
    },
  ];
}
