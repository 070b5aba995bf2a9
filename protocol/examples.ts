/**
 * One example of everything that crosses the wire, as JSON writes it (bytes are base64url). They are
 * the examples of docs/PROTOCOL.md, and what the contract tests read: so the page, the schemas and
 * these cannot drift apart. The keys are real, and the signatures verify: another implementation
 * can check itself against them. An Ed25519 seed is SHA-256 of `manyhands example host`, or
 * `… account`; the nonce is SHA-256 of `manyhands example nonce`.
 *
 * Together they tell one story: a job of five units, a host that takes two and reports them.
 */
import type { z } from 'zod';
import type { ErrorBody } from './errors.ts';
import type {
  artifactStoredSchema,
  GridView,
  JobList,
  JobView,
  ResultLine,
  Standing,
} from './http.ts';
import type { JobDocument, JobDocumentInput } from './job.ts';
import type {
  CoordinatorMessage,
  coordinatorMessageSchema,
  HostMessage,
  hostMessageSchema,
} from './messages.ts';

const gridId = '02e52fed08127d7cd936db29fcacaa71';
const jobId = 'jvmdtzx4zyb74bny9';
const leaseId = 'lzsdhpt4jswsam5t2';
const hostId = 'h0f7x9asf7khdyte8';
const accountId = 'axhtbk5pwv50nb6mk';
/** In use a token is longer. Nobody but the coordinator reads it. */
const leaseToken = 'k1.bGVhc2U.7Xk0mB3v9QmC4w';
/** The kernel as it was submitted, and as the coordinator made it: metered. */
const kernel = 'sha256:22165633b3f86665c728e6f2af282abf353afbac3c9515114930243580fd4973';
const meteredKernel = 'sha256:66f545faaf3d5f373578929ea8ab3e1db242239a76cdd908be23f2017e951fed';

// ---- the job

/** The least a scientist has to write. */
export const shortestDocumentExample: JobDocumentInput = {
  name: 'squares',
  kernel,
  units: { range: { count: 1000 } },
};

/** Every field, as it is stored: what the scientist left out has its default. */
export const documentExample: JobDocument = {
  version: 1,
  name: 'mersenne-2300',
  kernel,
  units: { sweep: { p: [1277, 1279, 2203, 2213, 2281] } },
  run: { args: ['--exponent', '{p}'], env: {}, stdin: null, files: {}, outputs: [] },
  limits: {
    fuelMax: '1000000000000',
    memoryBytesMax: 16_777_216,
    outputBytesMax: 1024,
    wallMsMax: 600_000,
  },
  trust: 'A1',
  compare: 'exact',
  merge: 'jsonl',
  nans: 'same',
  view: null,
  after: null,
  migratable: false,
  priority: 0,
  budget: null,
  public: true,
  deadline: null,
  notify: [],
};

// ---- WebSocket messages, in the order in which a session meets them

type WrittenHostMessage = z.input<typeof hostMessageSchema>;
type WrittenCoordinatorMessage = z.input<typeof coordinatorMessageSchema>;

export const hostMessageExamples: {
  [T in HostMessage['type']]: Extract<WrittenHostMessage, { type: T }>;
} = {
  hello: {
    type: 'hello',
    protocol: 1,
    version: '0.1.0',
    platform: 'node',
    hostKey: 'u5sRuCyrpR6LyRdUjPqL8pYwQJ_GJtc4xEPh5XdqEcU',
    accountKey: 'i8TOVJUUhoe5rCqLuT-AVs22vshJW9hdxUaxC-Kh7OU',
    certificate:
      'IUHL5u5YrvDQzCXfCDca-jdgC6eFXygQ7EEcmMKUTpJDRrYnCXvmBAQNIdgNv0dUzGys-MzWM0fHqBKKL5OkDw',
    signature:
      'RoRhJZlXe1689pa06gdRxo97sBZ00eGMh1BGPZ2xcDuE7nZI0k_KxJavullfC26TtI3h8OrHJ6FQRS6J--WbAw',
    name: 'amber-otter-42',
    team: null,
    cores: 4,
    memoryBytes: 8_589_934_592,
    features: ['simd'],
    leases: [],
  },
  want: { type: 'want', id: 1, units: 2 },
  progress: { type: 'progress', leases: [leaseId] },
  report: {
    type: 'report',
    id: 2,
    token: leaseToken,
    successes: {
      units: [[4, 1]],
      fuel: [41_957_077],
      outputs:
        'AUx7ImV4cG9uZW50IjoyMjgxLCJwcmltZSI6dHJ1ZSwicmVzNjQiOiIwMDAwMDAwMDAwMDAwMDAwIiwiaXRlcmF0aW9ucyI6MjI3OX0KAA',
      wallMs: 4,
    },
    results: [
      {
        unit: 3,
        outcome: 'kernel_trap',
        exitCode: null,
        fuel: 8_214,
        digest: '-1DcBxf_Jmz5uvgrHOehwu9tkkeFloCxGhn7cHf18iI',
        output: 'AQAA',
        detail: 'unreachable executed',
        wallMs: 3,
      },
    ],
  },
  release: { type: 'release', token: leaseToken, units: [[3, 2]] },
  bye: { type: 'bye' },
};

export const coordinatorMessageExamples: {
  [T in CoordinatorMessage['type']]: Extract<WrittenCoordinatorMessage, { type: T }>;
} = {
  challenge: {
    type: 'challenge',
    protocol: 1,
    gridId,
    nonce: '0P43u1Q_z2UIDewwS5ViYXowzh8mO3YDwPYUJYXRQDE',
  },
  welcome: {
    type: 'welcome',
    hostId,
    accountId,
    uploadToken: 'k1.dXBsb2Fk.qP0c8Yt2h1Nn5A',
    renewEveryMs: 10_000,
    heldLeases: [],
    creditMicro: '0',
    units: 0,
  },
  lease: {
    type: 'lease',
    want: 1,
    leases: [
      { leaseId, token: leaseToken, jobId, units: [[3, 2]], params: null, expiresInMs: 30_000 },
    ],
    jobs: [
      {
        jobId,
        name: documentExample.name,
        kernel: meteredKernel,
        kernelBytes: 24_488,
        migratable: false,
        run: documentExample.run,
        limits: documentExample.limits,
        units: documentExample.units,
      },
    ],
  },
  noWork: { type: 'noWork', want: 1, reason: 'no_jobs', retryAfterMs: null },
  recorded: {
    type: 'recorded',
    report: 2,
    verdicts: [
      ['accepted', 1],
      ['pending', 1],
    ],
  },
  cancel: { type: 'cancel', leaseId, reason: 'job_cancelled' },
  credited: { type: 'credited', creditMicro: '41', units: 1 },
  notice: {
    type: 'notice',
    code: 'artifact_unknown',
    text: 'No artifact with that digest is stored here.',
    about: 2,
  },
};

// ---- HTTP bodies

export const submittedExample = { jobId, units: 5 };

export const jobViewExample: JobView = {
  jobId,
  name: documentExample.name,
  state: 'open',
  paused: null,
  owner: 'a7yt4k2m9q0cxw3nz',
  public: true,
  curated: false,
  units: 5,
  canonical: 1,
  final: 0,
  failed: 1,
  unchecked: 0,
  running: 2,
  waiting: 1,
  fuel: '41957077',
  creditMicro: '41',
  unitsPerSecond: 0.5,
  eta: { secondsMin: 5, secondsMax: 8 },
  submittedAt: '2026-11-22T13:05:00.000Z',
  decidedAt: null,
  completedAt: null,
};

export const jobListExample: JobList = {
  jobs: [jobViewExample],
  more: `1795352700000-${jobId}`,
};

/** A unit that succeeded, and one that failed. */
export const resultLineExamples: readonly ResultLine[] = [
  {
    unit: 4,
    params: { p: 2281 },
    verdict: 'accepted',
    outcome: 'success',
    fuel: '41957077',
    digest: 'sha256:7445aad87552f89dce9ffce0e2363654c0e8f1339f2332d81cf000883236a85d',
    output: { exponent: 2281, prime: true, res64: '0000000000000000', iterations: 2279 },
    files: {},
  },
  {
    unit: 3,
    params: { p: 2213 },
    verdict: 'invalid',
    outcome: 'kernel_trap',
    fuel: '8214',
    digest: 'sha256:fb50dc0717ff266cf9baf82b1ce7a1c2ef6d9247859680b11a19fb7077f5f222',
    output: null,
    files: {},
    detail: 'kernel_trap: unreachable executed',
  },
];

export const artifactStoredExample: z.infer<typeof artifactStoredSchema> = {
  digest: kernel,
  bytes: 18_414,
};

export const standingExample: Standing = {
  rank: 1,
  accountId,
  name: 'amber-otter-42',
  creditMicro: '41',
  rac: '41',
  units: 1,
};

export const gridViewExample: GridView = {
  gridId,
  publicKey: 'a5RnpPQkFr0O4tBmcl5u3_mq6k0RUJZmtaISO4XdHDs',
  version: '0.1.0',
  protocol: 1,
  hosts: 1,
  jobs: 1,
};

export const errorExample: ErrorBody = {
  error: {
    code: 'bad_document',
    message: 'The job document is not valid.',
    detail: '',
    retry: false,
    issues: [
      {
        path: 'run.args.1',
        expected: '{q} is no parameter of these units; they have {p}, {index}',
      },
    ],
  },
};
