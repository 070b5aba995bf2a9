/**
 * Who may do what. A bearer token is a random secret whose SHA-256 is stored with its scopes; each
 * request looks it up, so what is revoked is refused from the next request on. An upload token is
 * sealed for one host and a limited time, and lets it upload outputs only.
 */
import { createHash } from 'node:crypto';
import { GridError } from '../../protocol/errors.ts';
import type { AccountId, HostId, JobId, TokenId } from '../../protocol/ids.ts';
import type { TokenScope } from '../../protocol/tokens.ts';
import type { JobFacts } from '../domain/job.ts';
import {
  hasScope,
  isOperator,
  type JobUse,
  mayUse,
  type TokenFacts,
  tokenState,
} from '../domain/token.ts';
import type { Repute } from '../domain/trust/repute.ts';
import type { Uploader } from '../domain/upload-allowance.ts';
import type { Context } from './context.ts';

/** A day: sessions live hours, and each reconnection brings a fresh one. */
const uploadTokenMs = 86_400_000;

export const tokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('hex');

/**
 * The token's facts when it has one of the scopes. Throws GridError `unauthorized`, `token_expired`,
 * `token_revoked` or `forbidden`.
 */
export async function authorize(
  context: Context,
  token: string | null,
  ...scopes: TokenScope[]
): Promise<TokenFacts> {
  if (token === null) throw new GridError('unauthorized');
  const facts = await validFacts(context, token);
  if (!hasScope(facts, ...scopes)) {
    throw new GridError(
      'forbidden',
      `It takes the scope ${scopes.join(' or ')}; this token has ${facts.scopes.join(', ') || 'none'}.`,
    );
  }
  return facts;
}

/** Throws GridError `unauthorized`, `token_expired` or `token_revoked`. */
async function validFacts(context: Context, token: string): Promise<TokenFacts> {
  const facts = await context.store.registry.findToken(tokenHash(token));
  if (facts === null) throw new GridError('unauthorized', 'This token is not known here.');
  const state = tokenState(facts, context.now());
  if (state === 'expired') throw new GridError('token_expired', `Its id is ${facts.tokenId}.`);
  if (state === 'revoked') throw new GridError('token_revoked', `Its id is ${facts.tokenId}.`);
  return facts;
}

/**
 * As `authorize`, for a job of the token's own; also throws `job_unknown`, which is what a private job is
 * to whoever may not read it: that it exists is private too.
 */
export async function authorizeForJob(
  context: Context,
  token: string | null,
  jobId: JobId,
  use: JobUse,
): Promise<TokenFacts> {
  const scopes: TokenScope[] = use === 'change' ? ['submit'] : ['read', 'submit'];
  const facts = await authorize(context, token, ...scopes);
  const job = await factsOf(context, jobId);
  if (job === null || !mayUse(facts, job, 'read')) throw new GridError('job_unknown', jobId);
  if (!mayUse(facts, job, use))
    throw new GridError(
      'forbidden',
      'It is another scientist’s job: its owner may, and operators.',
    );
  return facts;
}

/**
 * As `authorizeForJob` to read, and whether the bearer may read what is not final yet: whoever checks a result must
 * not copy it, and a scientist may be a volunteer too.
 */
export async function readerOf(
  context: Context,
  token: string | null,
  jobId: JobId,
): Promise<{ seesAll: boolean }> {
  const facts = await authorizeForJob(context, token, jobId, 'read');
  const job = await factsOf(context, jobId);
  return { seesAll: job !== null && mayUse(facts, job, 'own') };
}

/**
 * For doors that take no token: a public job is seen by everybody, a private one by the bearer of a token
 * that may read it. Throws GridError `job_unknown`, or what is wrong with the token.
 */
export async function assertSeen(
  context: Context,
  token: string | null,
  jobId: JobId,
): Promise<void> {
  const job = await factsOf(context, jobId);
  if (job?.document.public) return;
  if (token === null) throw new GridError('job_unknown', jobId);
  await authorizeForJob(context, token, jobId, 'read');
}

/** Throws ArchiveDamaged when they are in a file that cannot be read: to somebody who asks, that is not no job. */
const factsOf = async ({ jobs, store }: Context, jobId: JobId): Promise<JobFacts | null> =>
  (await jobs.facts(jobId)) ?? (await store.jobs.read(jobId));

/**
 * Whose eyes a list of jobs is for: null without a token, or with one for other things. Throws GridError as
 * `authorize` of a token that is no good: what everybody sees would look complete to whoever brings it.
 */
export async function listViewer(
  context: Context,
  token: string | null,
): Promise<TokenFacts | null> {
  if (token === null) return null;
  const facts = await validFacts(context, token);
  return hasScope(facts, 'read', 'submit') ? facts : null;
}

/** Whose eyes something is for. A token that is not good here sees what everybody sees. */
export async function viewerOf(context: Context, token: string | null): Promise<TokenFacts | null> {
  if (token === null) return null;
  const facts = await context.store.registry.findToken(tokenHash(token));
  const isGood = facts !== null && tokenState(facts, context.now()) === 'valid';
  return isGood && hasScope(facts, 'read', 'submit') ? facts : null;
}

export const uploadToken = (context: Context, hostId: HostId, accountId: AccountId): string =>
  context.sealer.seal('upload', [hostId, accountId, context.now() + uploadTokenMs]);

/**
 * Who uploads: a host, outputs; or whoever may submit, inputs. `network` is null when it is not known. Throws GridError as
 * `authorize`, and `host_banned`.
 */
export async function authorizeUpload(
  context: Context,
  token: string | null,
  network: string | null,
): Promise<Uploader> {
  const holder = token === null ? null : uploaderOf(context, token);
  if (holder === null) {
    const facts = await authorize(context, token, 'submit');
    const { tokenId, accountId } = facts;
    return { kind: 'scientist', tokenId, accountId, isOperator: isOperator(facts) };
  }
  const banned = await context.store.registry.findBan(holder);
  if (banned !== null) throw new GridError('host_banned', banned.reason);
  const [hostId, accountId] = holder;
  const { repute } = context.knownHosts.standingOf(hostId, context.now());
  return { kind: 'host', hostId, accountId, network, isProven: provenReputes.has(repute) };
}

const provenReputes = new Set<Repute>(['anchor', 'trusted', 'proven']);

/** The host and the account that an upload token was given to; null when it is none, or has expired. */
export function uploaderOf(context: Context, token: string): [HostId, AccountId] | null {
  const facts = context.sealer.open('upload', token);
  if (!Array.isArray(facts) || !(facts[2] > context.now())) return null;
  return [String(facts[0]), String(facts[1])];
}

/** Of a bearer token that is good here, whatever for; null of any other. */
export async function validToken(context: Context, token: string): Promise<TokenId | null> {
  const facts = await context.store.registry.findToken(tokenHash(token));
  return facts !== null && tokenState(facts, context.now()) === 'valid' ? facts.tokenId : null;
}
