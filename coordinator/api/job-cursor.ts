/** Where a list of jobs goes on, as the text that a page gives and the next request brings back. */
import type { FastifyRequest } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import type { JobViews } from '../flow/show.ts';

type JobPlace = NonNullable<JobViews['more']>;

export const writeJobCursor = ({ submittedAt, jobId }: JobPlace): string =>
  `${submittedAt}-${jobId}`;

/** What the request asks `after`; null when it asks from the first. Throws GridError `bad_request`. */
export function jobCursorOf(request: FastifyRequest): JobPlace | null {
  const { after } = request.query as Record<string, unknown>;
  if (after === undefined) return null;
  // Sixteen digits are years of milliseconds; an id as in protocol/ids.ts, of a job that may be gone.
  const parts = /^(\d{1,16})-(j[0-9a-z]{16})$/.exec(String(after));
  if (parts === null) throw new GridError('bad_request', 'after: expected what `more` said.');
  return { submittedAt: Number(parts[1]), jobId: parts[2] ?? '' };
}
