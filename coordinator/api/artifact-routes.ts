/**
 * Artifacts by digest: `PUT` streams to a file and is checked against its name, `GET` serves whole
 * files and single ranges, so that a download which broke off goes on where it stopped.
 *
 * Scientists upload inputs; hosts, with their session's upload token, upload outputs. Inputs may be
 * read by whoever knows the digest, as volunteers must; outputs by operators (scientists have them in their results).
 * To all others there are none: a host that has computed one would learn here that it checks somebody's.
 */
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GridError } from '../../protocol/errors.ts';
import { digestSchema } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import type { Shelf } from '../artifacts/artifacts.ts';
import type { DiskRoom } from '../artifacts/disk-room.ts';
import { isOperator } from '../domain/token.ts';
import { networkOf } from '../domain/trust/network.ts';
import { outputUploadBytesMax } from '../domain/upload-allowance.ts';
import { authorizeUpload, viewerOf } from '../flow/authorize.ts';
import type { Context } from '../flow/context.ts';
import { uploadArtifact } from '../flow/upload.ts';
import { bearerToken } from './bearer-token.ts';
import { peerAddress } from './peer.ts';
import { parseRange } from './range.ts';
import { atPace } from './upload-pace.ts';

export function artifactRoutes(server: FastifyInstance, context: Context, room: DiskRoom): void {
  server.register(async (scope) => {
    // Bytes are streamed to disk and never held: the parser hands the stream on as it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { bodyLimit: limits.artifactBytesMax },
      async (_request: FastifyRequest, body: unknown) => body,
    );

    scope.put(
      '/v1/artifacts/:digest',
      { bodyLimit: limits.artifactBytesMax },
      async (request, reply) => {
        const digest = digestOf(request);
        const network = networkOf(peerAddress(request.raw));
        const by = await authorizeUpload(context, bearerToken(request), network);
        const shelf = by.kind === 'host' ? 'output' : 'input';
        const announced = announcedBytes(request);
        // Told at once, and not when so many bytes have come.
        if ((announced ?? 0) > bytesMax[shelf]) {
          throw new GridError('too_large', `An artifact may have ${bytesMax[shelf]} bytes.`);
        }
        const body = request.body as Readable | undefined;
        const bytes = body === undefined ? [] : atPace(body);
        const upload = { shelf, digest, bytes, bytesMax: bytesMax[shelf] } as const;
        const uploaded = uploadArtifact(context, await room.look(), by, announced, upload);
        const size = await uploaded.catch((error) => {
          // The rest of any other is read and thrown away, so that the answer gets through.
          if (error instanceof GridError && error.code === 'upload_stalled')
            reply.header('connection', 'close');
          throw error;
        });
        return reply.status(201).send({ digest, bytes: size });
      },
    );
    // HEAD on its own: Fastify's stands on the body of GET, and would read a whole file for its size.
    scope.route({
      method: ['GET', 'HEAD'],
      url: '/v1/artifacts/:digest',
      handler: (request, reply) => serve(context, request, reply),
    });
  });
}

/** An output's stdout and files are within outputBytesMax; their names and lengths come on top. */
const bytesMax: Record<Shelf, number> = {
  input: limits.artifactBytesMax,
  output: outputUploadBytesMax,
};

/** Null when it is not told beforehand. A request without either header has no body (RFC 9112 §6.3). */
function announcedBytes({ headers }: FastifyRequest): number | null {
  if (headers['transfer-encoding'] !== undefined) return null;
  return Number(headers['content-length'] ?? 0);
}

async function serve(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const digest = digestOf(request);
  const { shelf, size } = await find(context, request, digest);
  reply
    .header('etag', `"${digest}"`)
    .header('accept-ranges', 'bytes')
    // A digest never names other bytes.
    .header('cache-control', shelf === 'input' ? 'public, max-age=31536000, immutable' : 'private')
    .type('application/octet-stream');
  if (isKnown(request.headers['if-none-match'], digest)) return reply.status(304).send();
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new GridError('range_unsatisfiable', `The artifact has ${size} bytes.`);
  }
  if (range === null) {
    reply.header('content-length', size);
    return reply.send(
      request.method === 'HEAD' ? null : await context.artifacts.read(shelf, digest),
    );
  }
  reply
    .status(206)
    .header('content-length', range.to - range.from + 1)
    .header('content-range', `bytes ${range.from}-${range.to}/${size}`);
  return reply.send(
    request.method === 'HEAD'
      ? null
      : await context.artifacts.read(shelf, digest, range.from, range.to),
  );
}

/** If-None-Match (RFC 9110 §13.1.2): a list of tags, weak ones too, or `*`. */
function isKnown(header: string | undefined, digest: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(`"${digest}"`);
}

async function find(
  context: Context,
  request: FastifyRequest,
  digest: string,
): Promise<{ shelf: Shelf; size: number }> {
  const input = await context.artifacts.size('input', digest);
  if (input !== null) return { shelf: 'input', size: input };
  const viewer = await viewerOf(context, bearerToken(request));
  const seesOutputs = viewer !== null && isOperator(viewer);
  const output = seesOutputs ? await context.artifacts.size('output', digest) : null;
  if (output === null) throw new GridError('artifact_unknown', digest);
  return { shelf: 'output', size: output };
}

function digestOf(request: FastifyRequest): string {
  const parsed = digestSchema.safeParse((request.params as { digest: string }).digest);
  if (parsed.success) return parsed.data;
  throw new GridError(
    'bad_request',
    'The digest: expected "sha256:" and 64 lower-case hex digits.',
  );
}
