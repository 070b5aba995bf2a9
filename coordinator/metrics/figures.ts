/**
 * Every figure that is looked up when somebody asks: its name, what it says, and where it is read. A
 * figure with labels is rows. No label names a host, an account, a job or a unit: their number is
 * the strangers' to choose, and each would be a series for good.
 */
import type { Tally } from '../api/tally.ts';
import type { PartitionLevels, RedisState } from '../store/redis-levels.ts';

/** What a coordinator says of itself. */
export type Watched = {
  tally: Tally;
  version: string;
  hostsConnected(): number;
  hostsAsking(): number;
  windowFreeUnits(): number;
  windowShards(): number;
  /** Results that wait for a commit. */
  backlog(): number;
  isRefusing(): boolean;
  /** Calls to S3 that failed, by what was asked. */
  artifactFailures: ReadonlyMap<string, number>;
  uploads(): { underWay: number; bytesStored: number; newcomerBytes: number };
  /** Artifacts that nothing named. */
  artifactsCleared: { readonly artifacts: number; readonly bytes: number };
  /** 0 is calm. */
  strain(): number;
  linesLogged: ReadonlyMap<string, number>;
  /** Coordinators of the grid, this one included. */
  coordinators(): number;
  isSteward(): boolean;
  stewardships(): number;
  /** Since it last met the others. */
  unheardMs(): number;
};

/** Of the disk that uploads are written to. */
export type UploadRoom = { freeBytes: number; reserveBytes: number };

/** Everything at one moment. */
export type Look = Watched & {
  partitions: readonly PartitionLevels[];
  redis: RedisState;
  dataFreeBytes: number;
  uploadRoom: UploadRoom;
};

export type Rows = readonly (readonly [labels: Record<string, string>, value: number])[];

export type Figure = {
  kind: 'counter' | 'gauge';
  name: string;
  help: string;
  labels: readonly string[];
  read(look: Look): Rows;
};

const one =
  (kind: Figure['kind']) =>
  (name: string, help: string, read: (look: Look) => number): Figure => ({
    kind,
    name,
    help,
    labels: [],
    read: (look) => [[{}, read(look)]],
  });
const level = one('gauge');
const count = one('counter');

const perPartition = (
  name: string,
  help: string,
  read: (levels: PartitionLevels) => number,
): Figure => ({
  kind: 'gauge',
  name,
  help,
  labels: ['partition'],
  read: ({ partitions }) => partitions.map((levels, at) => [{ partition: `${at}` }, read(levels)]),
});

const traffic: Figure[] = [
  count('sessions_total', 'WebSockets that were opened', ({ tally }) => tally.sessions),
  count(
    'upload_bytes_total',
    'Bytes of uploads that were stored',
    (look) => look.uploads().bytesStored,
  ),
  count('leases_granted_total', 'Leases granted', ({ tally }) => tally.leasesGranted),
  count('units_granted_total', 'Units in the leases granted', ({ tally }) => tally.unitsGranted),
  count('reports_total', 'Reports answered', ({ tally }) => tally.reports),
  {
    kind: 'counter',
    name: 'results_total',
    help: 'Results in the reports answered, by verdict',
    labels: ['verdict'],
    read: ({ tally }) => [...tally.verdicts].map(([verdict, n]) => [{ verdict }, n]),
  },
  level('hosts_connected', 'Hosts connected and welcomed', (look) => look.hostsConnected()),
  level('hosts_asking', 'Of them, those that ask for work and have none', (look) =>
    look.hostsAsking(),
  ),
];

const errors: Figure[] = [
  {
    kind: 'counter',
    name: 'refusals_total',
    help: 'Messages and requests that were refused, by code',
    labels: ['door', 'code'],
    read: ({ tally: { refusals } }) => [
      ...[...refusals.session].map(([code, n]) => [{ door: 'session', code }, n] as const),
      ...[...refusals.http].map(([code, n]) => [{ door: 'http', code }, n] as const),
    ],
  },
  {
    kind: 'counter',
    name: 'wants_refused_total',
    help: 'Wants that were sent away, by why nothing is granted',
    labels: ['reason'],
    read: ({ tally }) => [...tally.wantsRefused].map(([reason, n]) => [{ reason }, n]),
  },
  {
    kind: 'counter',
    name: 'log_lines_total',
    help: 'Lines logged, by level',
    labels: ['level'],
    read: ({ linesLogged }) => [...linesLogged].map(([name, n]) => [{ level: name }, n]),
  },
  {
    kind: 'counter',
    name: 'artifact_failures_total',
    help: 'Calls to S3 that failed, by what was asked; each is tried up to three times',
    labels: ['call'],
    read: ({ artifactFailures }) => [...artifactFailures].map(([call, n]) => [{ call }, n]),
  },
  level(
    'uploads_refusing',
    '1 while no upload is taken, because the disk is down to its reserve',
    ({ uploadRoom: { freeBytes, reserveBytes } }) => Number(freeBytes < reserveBytes),
  ),
  level('storage_refusing', '1 while results cannot be stored', (look) =>
    Number(look.isRefusing()),
  ),
];

const saturation: Figure[] = [
  level('strain', '1: too much to do for newcomers; 2: for leases as well', (look) =>
    look.strain(),
  ),
  level('window_free_units', 'Units that could be granted right now', (look) =>
    look.windowFreeUnits(),
  ),
  level('window_shards', 'Shards that this coordinator holds', (look) => look.windowShards()),
  level('intake_backlog', 'Results that wait for a commit', (look) => look.backlog()),
  level('data_free_bytes', 'Free on the disk of the data folder', (look) => look.dataFreeBytes),
  level(
    'upload_free_bytes',
    'Free on the disk that uploads are written to',
    (look) => look.uploadRoom.freeBytes,
  ),
  level(
    'upload_reserve_bytes',
    'What of it uploads may not take',
    (look) => look.uploadRoom.reserveBytes,
  ),
  level('uploads_under_way', 'Uploads under way', ({ uploads }) => uploads().underWay),
  level(
    'newcomer_upload_bytes',
    'What newcomers have uploaded and no result has named; half of it is forgotten in twelve hours',
    (look) => look.uploads().newcomerBytes,
  ),
  count(
    'artifacts_cleared_total',
    'Artifacts that nothing named, and that were cleared',
    (look) => look.artifactsCleared.artifacts,
  ),
  count(
    'artifacts_cleared_bytes_total',
    'How large they were',
    (look) => look.artifactsCleared.bytes,
  ),
  perPartition('jobs_open', 'Jobs neither complete nor cancelled', ({ jobsOpen }) => jobsOpen),
  perPartition('shards_open', 'Shards with undecided units', ({ shardsOpen }) => shardsOpen),
  perPartition('outbox_written', 'Outbox records ever written', ({ outbox }) => outbox.written),
  {
    kind: 'gauge',
    name: 'outbox_lag',
    help: 'Outbox records that a reader has not taken in yet',
    labels: ['partition', 'reader'],
    read: ({ partitions }) =>
      partitions.flatMap(({ outbox }, at) => [
        [{ partition: `${at}`, reader: 'ledger' }, outbox.unpaid] as const,
        [{ partition: `${at}`, reader: 'trust' }, outbox.undrawn] as const,
      ]),
  },
];

const others: Figure[] = [
  level('coordinators', 'Coordinators that run the grid, as this one knows it', (look) =>
    look.coordinators(),
  ),
  level('steward', '1: this one does what one alone has to do', (look) => Number(look.isSteward())),
  count('stewardships_total', 'How often this one has become the steward', (look) =>
    look.stewardships(),
  ),
  level(
    'news_lag_seconds',
    'Since this coordinator last heard the others, and they it',
    (look) => look.unheardMs() / 1000,
  ),
];

const redis: Figure[] = [
  level('redis_memory_bytes', 'What Redis uses', ({ redis }) => redis.usedBytes),
  level(
    'redis_memory_limit_bytes',
    'What it may use; 0: no limit',
    ({ redis }) => redis.limitBytes,
  ),
  level('redis_evicted_keys', 'Keys that Redis threw away', ({ redis }) => redis.evictedKeys),
  level('redis_journal_bytes', 'Size of its journal', ({ redis }) => redis.journalBytes),
  level('redis_journal_enabled', '1: it keeps a journal', ({ redis }) => Number(redis.hasJournal)),
  level('redis_journal_write_ok', '1: the last write to it went well', ({ redis }) =>
    Number(redis.lastWriteOk),
  ),
  level('redis_journal_rewriting', '1 while the journal is rewritten', ({ redis }) =>
    Number(redis.isRewriting),
  ),
  level('redis_journal_rewrite_ok', '1: the last rewrite went well', ({ redis }) =>
    Number(redis.lastRewriteOk),
  ),
  level(
    'redis_delayed_fsyncs',
    'Writes that waited for a slow fsync',
    (look) => look.redis.delayedFsyncs,
  ),
  level(
    'redis_replicas',
    'Replicas; of a cluster, those of the master with fewest',
    ({ redis }) => redis.replicas,
  ),
];

export const figures: readonly Figure[] = [
  {
    kind: 'gauge',
    name: 'build_info',
    help: 'What runs here',
    labels: ['version'],
    read: ({ version }) => [[{ version }, 1]],
  },
  ...traffic,
  ...errors,
  ...saturation,
  ...others,
  ...redis,
];
