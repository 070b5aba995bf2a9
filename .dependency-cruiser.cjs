/** The layers of Manyhands as checked facts. Each rule says why, so that a failure teaches. */
const only = (name, comment, from, allowed, npm = []) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: [...allowed, ...npm.map((p) => `node_modules/${p}/`)] },
});
const core =
  '^(node:)?(assert|async_hooks|buffer|child_process|crypto|events|fs|http|https|module|net|os|path|perf_hooks|process|readline|stream|string_decoder|timers|tls|url|util|vm|worker_threads|zlib)(/|$)';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'Two files that need each other are one file, or hide a third that both should import.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    only(
      'protocol-is-the-floor',
      'The contract is imported by all sides; it knows none of them and loads in a browser.',
      '^protocol/',
      ['^protocol/'],
      ['zod'],
    ),
    only(
      'kernel-stands-alone',
      'The meter runs in the coordinator, the worker, the cli and a browser: bytes in, bytes out.',
      '^kernel/(?!builders/)',
      ['^kernel/'],
    ),
    only(
      'domain-is-pure',
      'The rules decide; they read no clock, socket or Redis. That is what lets the simulation run them.',
      '^coordinator/domain/',
      ['^coordinator/domain/', '^protocol/'],
      ['msgpackr'],
    ),
    only(
      'store-owns-the-keys',
      'Redis keys and scripts live here and nowhere else.',
      '^coordinator/store/',
      ['^coordinator/(store|domain)/', '^protocol/', core],
      ['ioredis', 'msgpackr'],
    ),
    only(
      'flow-joins-domain-and-store',
      'A flow step reads, asks the domain, writes. It knows no HTTP, no WebSocket and no BullMQ.',
      '^coordinator/flow/',
      ['^coordinator/(flow|domain|store|tokens|artifacts)/', '^protocol/', core],
      ['pino'],
    ),
    {
      name: 'a-flow-step-calls-no-other-flow-step',
      comment:
        'Steps hand over through the store, the queue or what they return, so each can be retried alone.',
      severity: 'error',
      // A step is a file, or a folder of its own.
      from: { path: '^coordinator/flow/([^/]+)(/|$)' },
      to: {
        path: '^coordinator/flow/',
        pathNot: ['^coordinator/flow/$1(/|$)', '^coordinator/flow/context[.]ts$'],
      },
    },
    only(
      'queue-drives-flow',
      'BullMQ is the wake-up for flow steps; our tables are the truth.',
      '^coordinator/queue/',
      ['^coordinator/(queue|flow|domain|store)/', '^protocol/', core],
      ['bullmq', 'ioredis', 'pino'],
    ),
    only(
      'tokens-are-seals',
      'What a token vouches for, and the HMAC that proves it: secrets in, text out, nothing else.',
      '^coordinator/tokens/',
      ['^coordinator/(tokens|domain)/', '^protocol/', core],
      ['msgpackr'],
    ),
    only(
      'kernels-are-prepared-apart',
      "A stranger's module is looked at in a thread; what looks at it touches no Redis.",
      '^coordinator/kernels/',
      ['^coordinator/(kernels|artifacts|domain)/', '^kernel/', '^protocol/', core],
    ),
    only(
      'redis-folder-runs-a-server',
      'It finds, starts and stops a program. What is in that Redis is not its business.',
      '^coordinator/redis/',
      ['^coordinator/redis/', core],
      ['ioredis', 'env-paths'],
    ),
    only(
      'artifacts-are-bytes',
      'Content-addressed bytes on disk or in S3: no Redis, no HTTP of ours.',
      '^coordinator/artifacts/',
      ['^coordinator/artifacts/', '^protocol/', core],
      ['@aws-sdk'],
    ),
    only(
      'api-calls-flow',
      'The doors parse, call one flow step, reply. No rules, no Redis.',
      '^coordinator/api/',
      [
        '^coordinator/(api|flow|domain|artifacts)/',
        '^coordinator/store/store[.]ts$',
        '^protocol/',
        '^web/',
        core,
      ],
      ['ws', '@types/ws', 'fastify', 'zod', 'msgpackr', 'pino'],
    ),
    only(
      'backups-copy',
      'A grid is copied from outside its work: Redis whole, and files. No rules, no doors.',
      '^coordinator/backup/',
      ['^coordinator/(backup|redis|store)/', core],
      ['zod'],
    ),
    only(
      'metrics-only-look',
      'They read what the others count and hold, and change nothing.',
      '^coordinator/metrics/',
      ['^coordinator/(metrics|store)/', '^coordinator/api/(tally|metrics-routes)[.]ts$', core],
      ['prom-client'],
    ),
    only(
      'sandbox-stands-alone',
      'Untrusted code runs here: the less it can reach, the less there is to review.',
      '^worker/sandbox/(?!node/)',
      ['^worker/sandbox/', '^protocol/'],
    ),
    only(
      'worker-knows-only-the-contract',
      "A volunteer's machine never contains coordinator code.",
      '^worker/',
      ['^worker/', '^protocol/', '^kernel/', core],
      ['ws', '@types/ws', 'piscina', 'msgpackr', 'pino', 'zod'],
    ),
    only(
      'jobs-know-only-the-contract',
      'Scientists write against the contract, not against our internals.',
      '^jobs/',
      ['^jobs/', '^protocol/', core],
    ),
    only(
      'web-talks-through-the-contract',
      'The pages are one more user of the contract.',
      '^web/',
      ['^web/', '^protocol/'],
    ),
    {
      name: 'sandbox-and-kernel-are-node-free',
      comment: 'What a browser runs must exist in a browser.',
      severity: 'error',
      from: { path: '^(worker/sandbox/(?!node/)|kernel/(?!builders/)|protocol/)' },
      to: { path: core, reachable: true },
    },
    {
      name: 'bullmq-only-in-queue',
      comment: 'One place to change when the queue changes.',
      severity: 'error',
      from: { pathNot: '^(coordinator/queue|bench|test)/' },
      to: { path: 'node_modules/bullmq/' },
    },
    {
      name: 'ioredis-only-where-redis-is-ours',
      comment: 'One place owns the key space.',
      severity: 'error',
      from: { pathNot: '^(coordinator/(store|queue|redis)|bench|test)/' },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'aws-sdk-only-where-s3-is-spoken',
      comment: 'It is large, and loaded only by who keeps artifacts in S3.',
      severity: 'error',
      from: { pathNot: '^(coordinator/artifacts/s3-bucket[.]ts$|test/)' },
      to: { path: 'node_modules/@aws-sdk/' },
    },
    {
      name: 'prom-client-only-in-metrics',
      comment: 'What counts knows plain numbers; how they are told is decided in one place.',
      severity: 'error',
      from: { pathNot: '^coordinator/metrics/' },
      to: { path: 'node_modules/prom-client/' },
    },
    {
      name: 'no-test-in-production',
      comment: 'Shared test helpers belong in test/support; production code never needs them.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    exclude: { path: '^(dist|jobs/[^/]+/assembly|jobs/kernel-sdk)/' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json', '.mjs'],
      conditionNames: ['import', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
