/**
 * A job file is a job document in which paths may stand where the grid wants digests: the kernel
 * and the verifier (a .wasm, or a source that is built first), `run.stdin`, the values of `run.files`. Paths are taken
 * from the file's own folder, so that a job and its inputs move together. Nothing is uploaded before
 * the whole document is known to be valid.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { issuesOf } from '../protocol/errors.ts';
import type { Digest } from '../protocol/ids.ts';
import { type JobDocument, jobDocumentSchema, unservedParts } from '../protocol/job.ts';
import { limits } from '../protocol/limits.ts';
import { buildKernel, isKernelSource } from './build-kernel.ts';
import { Failure } from './failure.ts';
import { cannotRead, digestFile, digestOf, readBytes } from './files.ts';
import type { Grid } from './grid.ts';
import { say } from './terminal.ts';

/** Bytes that the grid must have before the job can be submitted. */
type Attachment = { digest: Digest; path: string; bytes: number; read(): Promise<Uint8Array> };

export type JobFile = { document: JobDocument; attachments: Attachment[] };

export async function readJobFile(path: string): Promise<JobFile> {
  const written = parse(
    path,
    await readFile(path, 'utf8').catch((error) => {
      throw cannotRead(path, error);
    }),
  );
  const attachments: Attachment[] = [];
  const attach = async (value: unknown, asKernel = false): Promise<unknown> => {
    if (typeof value !== 'string' || value === '' || value.startsWith('sha256:')) return value;
    const attachment = await attachmentOf(resolve(dirname(path), value), asKernel);
    attachments.push(attachment);
    return attachment.digest;
  };

  const kernel = await attach(written['kernel'], true);
  const compare = isRecord(written['compare']) ? { ...written['compare'] } : written['compare'];
  if (isRecord(compare) && 'verifier' in compare)
    compare['verifier'] = await attach(compare['verifier'], true);
  const run = isRecord(written['run']) ? { ...written['run'] } : written['run'];
  if (isRecord(run)) {
    if ('stdin' in run) run['stdin'] = await attach(run['stdin']);
    if (isRecord(run['files'])) {
      const files: [string, unknown][] = [];
      for (const [guest, value] of Object.entries(run['files'])) {
        files.push([guest, await attach(value)]);
      }
      run['files'] = Object.fromEntries(files);
    }
  }
  const present = Object.entries({ ...written, kernel, compare, run }).filter(
    ([, v]) => v !== undefined,
  );
  return { document: validate(path, Object.fromEntries(present)), attachments };
}

/** Uploads what the grid does not have yet. */
export async function uploadAttachments(grid: Grid, attachments: Attachment[]): Promise<void> {
  for (const { digest, path, bytes, read } of attachments) {
    if (await grid.hasArtifact(digest)) continue;
    say(`Uploading ${path} (${bytes.toLocaleString('en')} bytes)`);
    await grid.putArtifact(digest, new Uint8Array(await read()));
  }
}

async function attachmentOf(path: string, asKernel: boolean): Promise<Attachment> {
  if (asKernel && isKernelSource(path)) {
    const wasm = await buildKernel(path);
    return { digest: digestOf(wasm), path, bytes: wasm.length, read: async () => wasm };
  }
  const attachment = { ...(await digestFile(path)), path, read: () => readBytes(path) };
  const bytesMax = asKernel ? limits.kernelBytesMax : limits.artifactBytesMax;
  if (attachment.bytes <= bytesMax) return attachment;
  throw new Failure('too_large', `${path} is larger than a grid accepts.`, {
    why: `it has ${attachment.bytes} bytes; the most is ${bytesMax}`,
    remedy: 'make the file smaller, or split the job',
  });
}

function parse(path: string, text: string): Record<string, unknown> {
  let why = 'it holds no JSON object';
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch (error) {
    why = placeOf((error as Error).message, text);
  }
  throw new Failure('bad_document', `${path} is not a job document.`, {
    why,
    remedy: 'write it as JSON; docs/PROTOCOL.md has an example',
  });
}

/** V8 tells the position of a mistake in characters; an editor wants line and column. */
function placeOf(message: string, text: string): string {
  const [, found] = /position (\d+)/.exec(message) ?? [];
  if (found === undefined) return message;
  const before = text.slice(0, Number(found)).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${message}`;
}

function validate(path: string, document: unknown): JobDocument {
  const parsed = jobDocumentSchema.safeParse(document);
  const issues = parsed.success ? unservedParts(parsed.data) : issuesOf(parsed.error);
  if (parsed.success && issues.length === 0) return parsed.data;
  const code = parsed.success ? 'not_served_yet' : 'bad_document';
  const what = parsed.success ? 'asks for something no grid serves yet' : 'is not valid';
  throw new Failure(code, `The job document ${path} ${what}.`, {
    why: issues.map((issue) => `${issue.path}: ${issue.expected}`),
    remedy: 'correct it and submit it again',
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
