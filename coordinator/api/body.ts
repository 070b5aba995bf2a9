import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { GridError, issuesOf } from '../../protocol/errors.ts';

/** The body of a request as its schema has it; an absent one is `{}`. Throws GridError `bad_request`. */
export function bodyOf<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const parsed = schema.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  throw new GridError('bad_request', '', { issues: issuesOf(parsed.error) });
}
