/**
 * Every Redis key, with its type and what it holds. `{…}` is the Cluster hash tag: what one script
 * touches shares a tag. Only the owner, the steward, links and the days of standings expire; archiving and purging delete by name.
 *
 *   {grid}     what concerns all of the grid and changes rarely
 *   {gK}       partition K: its jobs, their shards' journals, its outbox, its BullMQ queue
 *   {trust}    records of hosts and accounts, cases, and checks that are out
 *   {ledger}   balances, standings, and how far each outbox has been applied
 */
import type { JobId } from '../../protocol/ids.ts';
import { type ShardId, shardId } from '../domain/shard.ts';
import type { StandingKind } from '../domain/standing.ts';

export const partitionTag = (partition: number): string => `{g${partition}}`;

export const keys = {
  /** hash: format, gridId, partitions, createdAt */
  grid: '{grid}:grid',
  /** string, expires: the id of the coordinator that runs the grid */
  owner: '{grid}:owner',
  /** zset: coordinators that share the grid, by when they are taken for dead */
  peers: '{grid}:peers',
  /** hash: coordinator id → what it says of itself, as JSON */
  peerFacts: '{grid}:peer-facts',
  /** string, expires: the id of the one of them that is steward */
  steward: '{grid}:steward',
  /** stream: what they told each other lately */
  news: '{grid}:news',
  /** string: the id of the folder that its coordinators share */
  folder: '{grid}:folder',
  /** string: what labels the place in S3 that its artifacts are in */
  artifacts: '{grid}:artifacts',
  /** string: when clearing artifacts was begun last */
  clearingAt: '{grid}:clearing-at',
  /** string: the private key that signs receipts, as PEM */
  signingKey: '{grid}:signing-key',
  /** hash: key id → secret (base64); `newest` → key id */
  leaseKeys: '{grid}:lease-keys',
  /** hash: SHA-256 of the token → its facts as JSON */
  tokens: '{grid}:tokens',
  /** hash: id of a banned host or account → why and since when, as JSON */
  bans: '{grid}:bans',
  /** hash: digest → why and since when, as JSON */
  kernelsDisabled: '{grid}:kernels-disabled',
  /** hash: team id → its facts as JSON */
  teams: '{grid}:teams',
  /** hash: what tells its name apart → team id */
  teamNames: '{grid}:team-names',
  /** hash: account id → how many teams it has founded */
  teamsFounded: '{grid}:teams-founded',
  /** hash: account id → the team that it is in */
  teamOf: '{grid}:team-of',
  /** hash: team id → how many accounts are in it */
  teamSizes: '{grid}:team-sizes',
  /** hash, expires: a link that is offered, by the first half of its code */
  link: (half: string) => `{grid}:link:${half}`,
  /** zset: first halves of codes by when they expire */
  links: '{grid}:links',
  /** hash: setting → value; empty for none */
  settings: '{grid}:settings',
  /** stream: what operators did, each line as JSON; never trimmed */
  auditLog: '{grid}:audit-log',
  /** hash: host id → its facts as JSON */
  hosts: '{grid}:hosts',
  /** hash: host id → its country, of those that have said it */
  countries: '{grid}:countries',
  /** hash: account id → display name */
  names: '{grid}:names',

  /** zset: job id by submission time */
  jobs: (partition: number) => `${partitionTag(partition)}:jobs`,
  /** set: ids of jobs that are neither complete nor cancelled */
  jobsOpen: (partition: number) => `${partitionTag(partition)}:jobs-open`,
  /** set: ids of jobs of which not all is final */
  jobsHeld: (partition: number) => `${partitionTag(partition)}:jobs-held`,
  /** set: ids of jobs of which something is in Redis that belongs into the archive, now or later */
  jobsKept: (partition: number) => `${partitionTag(partition)}:jobs-kept`,
  /** hash: facts (JSON), splits, checks, state, cursor, shards, shardsOpen, shardsFinal, shardsSettled, marks, canonical, final, failed, fuel…, endedAt */
  job: (partition: number, jobId: JobId) => `${partitionTag(partition)}:job:${jobId}`,
  /** hash: shard id → its units as JSON. The open set: what is in it is not finished. */
  open: (partition: number) => `${partitionTag(partition)}:open`,
  /** string: the journal's bytes */
  journal: (partition: number, shard: { jobId: JobId; number: number } | ShardId) =>
    `${partitionTag(partition)}:journal:${typeof shard === 'string' ? shard : shardId(shard)}`,
  /** string, as bits: which groups of its shards are in the archive (domain/archive-group.ts) */
  archived: (partition: number, jobId: JobId) => `${partitionTag(partition)}:archived:${jobId}`,
  /** hash: unit → where its canonical result is now, as JSON; `done <name>` → 1 */
  amendments: (partition: number, jobId: JobId) => `${partitionTag(partition)}:amendments:${jobId}`,
  /** list: units whose result was revoked, in the order in which that happened */
  revoked: (partition: number, jobId: JobId) => `${partitionTag(partition)}:revoked:${jobId}`,
  /** hash: unit and account → a result that came late, as JSON; until the unit is final */
  late: (partition: number, jobId: JobId) => `${partitionTag(partition)}:late:${jobId}`,
  /** stream: payments, entry id `<number>-0` */
  outbox: (partition: number) => `${partitionTag(partition)}:outbox`,
  /** string: number of the last outbox record */
  outboxNumber: (partition: number) => `${partitionTag(partition)}:outbox-number`,

  /** string: grows with each change of the tables below */
  trustVersion: '{trust}:version',
  /** hash: field → value as JSON; store/trust-store.ts lists the tables */
  trust: (table: string) => `{trust}:${table}`,

  /** hash: number, hash and time of the last entry */
  ledgerHead: '{ledger}:head',
  /** hash: `g<K>` → number of the last outbox record applied */
  watermarks: '{ledger}:watermarks',
  /** hash: ledger account → microcredit; none that is at zero */
  balances: '{ledger}:balances',
  /** stream: entries that are not in the files of the history yet, entry id `<number>-0` */
  entries: '{ledger}:entries',
  /** hash: the last entry in the files of the history, and how far they go */
  archive: '{ledger}:archive',
  /** hash: account id → its last receipt: number, hash, and where it is in the files */
  receipts: '{ledger}:receipts',
  /** set: jobs whose escrow is not empty */
  escrows: '{ledger}:escrows',
  /** set: accounts that had their allowance */
  allowed: '{ledger}:allowed',
  /** hash: day → microcredit that the mint gave for curated jobs */
  minted: '{ledger}:minted',
  /** hash: account id → microcredit that bad debt has paid for it, and was not paid back */
  owed: '{ledger}:owed',
  /** zset: days with pending credit */
  pendingDays: '{ledger}:pending-days',
  /** hash: host, job and account → microcredit granted on that day and still pending */
  pending: (day: number) => `{ledger}:pending:${day}`,

  /** hash: id → microcredit earned in all, exactly */
  earned: (kind: StandingKind) => `{ledger}:${kind}:earned`,
  /** zset: id by microcredit earned in all; a double, so it orders and `earned` counts */
  total: (kind: StandingKind) => `{ledger}:${kind}:total`,
  /** zset: id by recent credit (domain/standing.ts) */
  recent: (kind: StandingKind) => `{ledger}:${kind}:recent`,
  /** hash: id → units paid */
  unitsPaid: (kind: StandingKind) => `{ledger}:${kind}:units`,
  /** hash, expires: id → microcredit earned on that day */
  earnedOn: (kind: StandingKind, day: number) => `{ledger}:${kind}:day:${day}`,
} as const;
