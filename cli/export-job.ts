/**
 * A job in a folder, for keeps: what was submitted, how it ended, its results and what became of those that were
 * revoked, its kernel and inputs. With these anybody can compute it again and compare.
 *
 *   job.json  document.json  results.jsonl  revocations.jsonl  artifacts/<digest>  SHA256SUMS
 *
 * It is written beside, and gets its name when it is whole: a folder of a job's id is an export of it.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type JobDocument, verifierOf } from '../protocol/job.ts';
import { Failure } from './failure.ts';
import { cannotWrite } from './files.ts';
import type { Grid } from './grid.ts';
import { readResults } from './results.ts';

export type Exported = { jobId: string; folder: string; results: number; bytes: number };

export async function exportTo(grid: Grid, jobId: string, out: string): Promise<Exported> {
  const job = await grid.job(jobId);
  const folder = join(out, job.jobId);
  // Before hours of results come: a rename would tell only then.
  if ((await lstat(folder).catch(() => null)) !== null) throw isThere(folder);
  const document = await grid.document(jobId);
  const beside = `${folder}.part`;
  await rm(beside, { recursive: true, force: true });
  const sums: string[] = [];
  let [results, bytes] = [0, 0];
  const write = async (name: string, pieces: AsyncIterable<Uint8Array | string>) => {
    const written = await writeFile(join(beside, name), pieces);
    sums.push(`${written.sha256}  ${name}\n`);
    bytes += written.bytes;
  };
  async function* lines() {
    for await (const line of readResults(grid, jobId)) {
      results++;
      yield `${JSON.stringify(line)}\n`;
    }
  }
  await write('job.json', once(`${JSON.stringify(job, null, 2)}\n`));
  await write('document.json', once(`${JSON.stringify(document, null, 2)}\n`));
  await write('results.jsonl', lines());
  await write('revocations.jsonl', await grid.revocations(jobId, 0));
  for (const digest of artifactsOf(document))
    await write(join('artifacts', digest.slice('sha256:'.length)), await grid.artifact(digest));
  await writeFile(join(beside, 'SHA256SUMS'), once(sums.join('')));
  await rename(beside, folder).catch(async (error) => {
    await rm(beside, { recursive: true, force: true });
    throw isThere(folder, error);
  });
  return { jobId, folder, results, bytes };
}

const isThere = (folder: string, cause?: unknown): Failure =>
  new Failure('file_unsuitable', `Cannot make ${folder}.`, {
    why: 'there is something of that name already, and nothing is written over',
    remedy: 'name another folder with --out, or take that one away',
    cause,
  });

function artifactsOf(document: JobDocument): Set<string> {
  const { stdin, files } = document.run;
  const verifier = verifierOf(document);
  return new Set([
    document.kernel,
    ...(verifier === null ? [] : [verifier]),
    ...(stdin === null ? [] : [stdin]),
    ...Object.values(files),
  ]);
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

async function writeFile(path: string, pieces: AsyncIterable<Uint8Array | string>) {
  const hash = createHash('sha256');
  let bytes = 0;
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw cannotWrite(path, error);
  });
  const file = await open(path, 'wx').catch((error) => {
    throw cannotWrite(path, error);
  });
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      bytes += Buffer.byteLength(piece);
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
