/** submit: a scientist's document becomes a stored job. Everything wrong with it is told at once. */
import { createHash } from 'node:crypto';
import { GridError, issuesOf } from '../../protocol/errors.ts';
import type { Submitted } from '../../protocol/http.ts';
import { type AccountId, type Digest, idFromBytes, type TokenId } from '../../protocol/ids.ts';
import {
  type JobDocument,
  jobDocumentSchema,
  unservedParts,
  verifierOf,
} from '../../protocol/job.ts';
import { whySentences } from '../../protocol/why.ts';
import {
  type JobFacts,
  type KernelNeeds,
  type PreparedKernel,
  unitsOf,
  unitsPerShard,
} from '../domain/job.ts';
import type { Context } from './context.ts';

export type PrepareKernel = (digest: Digest, needs: KernelNeeds) => Promise<PreparedKernel>;

/** Who submits, and their Idempotency-Key: two scientists may well both call their first one `1`. */
export type Submission = {
  tokenId: TokenId;
  accountId: AccountId;
  key: string | null;
  /** An operator's job is curated from the start: who runs the grid need not earn on it. */
  curated: boolean;
};

/**
 * Throws GridError: `bad_document` with every path that is wrong, `not_served_yet`,
 * `artifact_unknown` when the kernel or an input was not uploaded, `kernel_refused`, `kernel_disabled`, and
 * `bad_request` for an Idempotency-Key that stood for another document. The same key with the same
 * document finds the job that it made.
 */
export async function submitJob(
  context: Context,
  prepareKernel: PrepareKernel,
  input: unknown,
  submission: Submission,
): Promise<Submitted> {
  const document = parseDocument(input);
  await assertInputsAreHere(context, document);
  const { kernel: digest, limits, nans, migratable: isMigratable } = document;
  const { memoryBytesMax } = limits;
  const kernel = await prepareKernel(digest, { memoryBytesMax, nans, isMigratable });
  await assertEnabled(context, kernel);
  const verifierDigest = verifierOf(document);
  const verifier =
    verifierDigest === null
      ? null
      : await prepareKernel(verifierDigest, { memoryBytesMax, nans, isMigratable: false });
  if (verifier !== null) await assertEnabled(context, verifier);
  const jobId = idFromBytes(
    'j',
    submission.key === null ? context.randomBytes(10) : digestBytes(submission),
  );
  const facts: JobFacts = {
    jobId,
    document,
    kernel,
    ...(verifier === null ? {} : { verifier }),
    units: unitsOf(document),
    unitsPerShard: unitsPerShard(document),
    submittedAt: context.now(),
    owner: submission.accountId,
  };
  await context.store.jobs.submit(facts, submission.curated);
  if (submission.key !== null) await assertSameDocument(context, facts);
  context.happened({ kind: 'job_submitted' });
  context.log.info({ jobId, name: document.name, units: facts.units }, 'job submitted');
  const lack = context.knownHosts.lackFor(document.trust, context.now());
  return { jobId, units: facts.units, ...(lack === null ? {} : { notice: whySentences[lack] }) };
}

/** No document that means something is as deep. What reads documents recurses as deep as they are. */
const depthMax = 32;
function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(depth - 1, inner));
}

function parseDocument(input: unknown): JobDocument {
  if (isDeeperThan(depthMax, input)) {
    const expected = `expected at most ${depthMax} levels`;
    throw new GridError('bad_document', '', { issues: [{ path: '(document)', expected }] });
  }
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
    if ((await context.artifacts.keep('input', digest)) === null) {
      throw new GridError('artifact_unknown', `Upload the input ${digest} first.`);
    }
  }
}

/** One that is disabled this very moment is found by the reconciler (flow/pause.ts). */
async function assertEnabled(context: Context, kernel: PreparedKernel): Promise<void> {
  const disabled = await context.store.registry.disabledKernels();
  const known = disabled.get(kernel.digest) ?? disabled.get(kernel.meteredDigest);
  if (known !== undefined) throw new GridError('kernel_disabled', known.reason);
}

/** The store keeps what came first under an id, and that may be another document of this key. */
async function assertSameDocument(context: Context, { jobId, document }: JobFacts): Promise<void> {
  const kept = await context.store.jobs.read(jobId);
  if (JSON.stringify(kept?.document) !== JSON.stringify(document)) {
    throw new GridError(
      'bad_request',
      `This Idempotency-Key stands for another document: ${jobId}.`,
    );
  }
}

const digestBytes = ({ tokenId, key }: Submission): Uint8Array =>
  createHash('sha256').update(`manyhands.submission\0${tokenId}\0${key}`).digest();
