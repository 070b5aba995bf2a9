/** submit: a scientist's document becomes a stored job. Everything wrong with it is told at once. */
import { createHash } from 'node:crypto';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import type { Submitted } from '../../protocol/http.ts';
import { type Digest, idFromBytes } from '../../protocol/ids.ts';
import { type JobDocument, jobDocumentSchema, unservedParts } from '../../protocol/job.ts';
import { type JobFacts, type PreparedKernel, unitsOf, unitsPerShard } from '../domain/job.ts';
import type { Context } from './context.ts';

export type PrepareKernel = (digest: Digest, memoryBytesMax: number) => Promise<PreparedKernel>;

/**
 * Throws GridError: `bad_document` with every path that is wrong, `not_served_yet`,
 * `artifact_unknown` when the kernel or an input was not uploaded, `kernel_refused`.
 * `key` is the Idempotency-Key: the same key names the same job.
 */
export async function submitJob(
  context: Context,
  prepareKernel: PrepareKernel,
  input: unknown,
  key: string | null,
): Promise<Submitted> {
  const document = parseDocument(input);
  await assertInputsAreHere(context, document);
  const kernel = await prepareKernel(document.kernel, document.limits.memoryBytesMax);
  const jobId = idFromBytes('j', key === null ? context.randomBytes(10) : digestBytes(key));
  const facts: JobFacts = {
    jobId,
    document,
    kernel,
    units: unitsOf(document),
    unitsPerShard: unitsPerShard(document),
    submittedAt: context.now(),
  };
  await context.store.submitJob(facts);
  context.happened({ kind: 'job_submitted' });
  context.log.info({ jobId, name: document.name, units: facts.units }, 'job submitted');
  return { jobId, units: facts.units };
}

function parseDocument(input: unknown): JobDocument {
  const parsed = jobDocumentSchema.safeParse(input);
  if (!parsed.success) throw new GridError('bad_document', '', { issues: issuesOf(parsed.error) });
  const unserved = unservedParts(parsed.data);
  if (unserved.length > 0) throw new GridError('not_served_yet', '', { issues: unserved });
  return parsed.data;
}

async function assertInputsAreHere(context: Context, document: JobDocument): Promise<void> {
  const { stdin, files } = document.run;
  const inputs = [...Object.values(files), ...(stdin === null ? [] : [stdin])];
  for (const digest of inputs) {
    if ((await context.artifacts.size('input', digest)) === null) {
      throw new GridError('artifact_unknown', `Upload the input ${digest} first.`);
    }
  }
}

const digestBytes = (key: string): Uint8Array =>
  createHash('sha256').update(`manyhands.submission\0${key}`).digest();
