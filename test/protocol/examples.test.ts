/** Every example is what it says it is: the schemas take it, and its keys, digests and ids are real. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { accountExamples } from '../../protocol/account-examples.ts';
import { errorBody, errorBodySchema, GridError } from '../../protocol/errors.ts';
import * as examples from '../../protocol/examples.ts';
import * as http from '../../protocol/http.ts';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { idFromBytes } from '../../protocol/ids.ts';
import { coordinatorMessageSchema, hostMessageSchema } from '../../protocol/messages.ts';
import { decodeOutput } from '../../protocol/output.ts';

const { hostMessageExamples, coordinatorMessageExamples } = examples;
const bytesOf = (base64url: unknown) => Buffer.from(String(base64url), 'base64url');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

describe('a message example', () => {
  test.each(Object.entries(hostMessageExamples))('%s is what a host may send', (type, message) => {
    expect(hostMessageSchema.parse(message).type).toBe(type);
  });

  test.each(Object.entries(coordinatorMessageExamples))(
    '%s is what a coordinator may send',
    (type, message) => {
      expect(coordinatorMessageSchema.parse(message).type).toBe(type);
    },
  );

  test('there is one of every message', () => {
    const types = (union: { options: readonly { shape: { type: { value: string } } }[] }) =>
      union.options.map((option) => option.shape.type.value).sort();
    expect(Object.keys(hostMessageExamples).sort()).toEqual(types(hostMessageSchema));
    expect(Object.keys(coordinatorMessageExamples).sort()).toEqual(types(coordinatorMessageSchema));
  });

  test.each(Object.entries({ ...hostMessageExamples, ...coordinatorMessageExamples }))(
    '%s with a field too many, or with one missing, is refused',
    (type, message) => {
      const schema: z.ZodType =
        type in hostMessageExamples ? hostMessageSchema : coordinatorMessageSchema;
      expect(schema.safeParse({ ...message, extra: 1 }).success).toBe(false);
      for (const field of Object.keys(message)) {
        const { [field as keyof typeof message]: _, ...rest } = message;
        expect(schema.safeParse(rest).success, field).toBe(false);
      }
    },
  );

  test('with any text in place of its bytes is accepted or refused, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('A', '=', '!')),
        (nonce) => {
          const { challenge } = coordinatorMessageExamples;
          const isBytes = coordinatorMessageSchema.safeParse({ ...challenge, nonce }).success;
          expect(isBytes).toBe(/^[A-Za-z0-9_-]{43}$/.test(nonce));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('hello is signed for the challenge, and the ids of the welcome follow from its keys', () => {
    const { hello } = hostMessageExamples;
    const { challenge, welcome } = coordinatorMessageExamples;
    const isSigned = (message: Uint8Array, key: Buffer, signature: unknown) => {
      const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
      const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      return verify(null, message, publicKey, bytesOf(signature));
    };
    const hostKey = bytesOf(hello.hostKey);
    const accountKey = bytesOf(hello.accountKey);
    const session = sessionBytes(challenge.gridId, bytesOf(challenge.nonce));
    expect(isSigned(session, hostKey, hello.signature)).toBe(true);
    expect(isSigned(certificateBytes(hostKey), accountKey, hello.certificate)).toBe(true);
    expect(welcome.hostId).toBe(idFromBytes('h', sha256(hostKey)));
    expect(welcome.accountId).toBe(idFromBytes('a', sha256(accountKey)));
  });

  test('report carries outputs that have the digests and the content they are said to have', () => {
    const { successes, results } = hostMessageExamples.report;
    for (const { output, digest } of results) {
      expect(sha256(bytesOf(output))).toEqual(bytesOf(digest));
    }
    const [line] = examples.resultLineExamples;
    const output = bytesOf(successes?.outputs);
    expect(JSON.parse(Buffer.from(decodeOutput(output).stdout).toString())).toEqual(line?.output);
    expect(line?.digest).toBe(`sha256:${sha256(output).toString('hex')}`);
  });
});

const bodies: [string, z.ZodType, unknown][] = [
  ['POST /v1/jobs', http.submittedSchema, examples.submittedExample],
  ['GET /v1/jobs/{id}', http.jobViewSchema, examples.jobViewExample],
  ['GET /v1/jobs', http.jobListSchema, examples.jobListExample],
  [
    'GET /v1/jobs/{id}/document',
    http.jobDocumentViewSchema,
    { jobId: examples.submittedExample.jobId, document: examples.documentExample },
  ],
  ['a result', http.resultLineSchema, examples.resultLineExamples[0]],
  ['a failed result', http.resultLineSchema, examples.resultLineExamples[1]],
  ['PUT /v1/artifacts/{digest}', http.artifactStoredSchema, examples.artifactStoredExample],
  ['GET /v1/leaderboard', http.leaderboardSchema, { standings: [examples.standingExample] }],
  ['GET /v1/grid', http.gridViewSchema, examples.gridViewExample],
  ['an error', errorBodySchema, examples.errorExample],
  ...Object.entries(accountExamples).map(
    ([name, { schema, body }]): [string, z.ZodType, unknown] => [name, schema, body],
  ),
];

describe('an HTTP example', () => {
  test.each(bodies)('%s is what the schema describes', (_, schema, body) => {
    expect(schema.parse(body)).toEqual(body);
  });

  test('of a job adds up', () => {
    const { units, canonical, failed, running, waiting } = examples.jobViewExample;
    expect(canonical + failed + running + waiting).toBe(units);
  });

  test('of an error is what that GridError becomes', () => {
    const { code, issues } = examples.errorExample.error;
    expect(errorBody(new GridError(code, '', { issues }))).toEqual(examples.errorExample);
  });
});
