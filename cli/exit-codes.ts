/**
 * What the exit code of every command means, and which stable error code leads to which. Scripts
 * rely on these numbers: add freely, change none.
 */
import type { BackupErrorCode } from '../coordinator/backup/error.ts';
import type { RedisErrorCode } from '../coordinator/redis/error.ts';
import type { ErrorCode } from '../protocol/errors.ts';

export const exitCodes = {
  ok: 0,
  internal: 1,
  usage: 2,
  unitsFailed: 3,
  notFound: 4,
  notAllowed: 5,
  unreachable: 6,
  limit: 7,
  cancelled: 8,
  kernelOutcome: 9,
  waitTimedOut: 10,
  interrupted: 130,
  terminated: 143,
} as const;

/** Codes of errors that arise on this side; the coordinator's are in protocol/errors.ts. */
const ownCodes = {
  internal: exitCodes.internal,
  reply_unknown: exitCodes.internal,
  child_ended: exitCodes.internal,
  residue_wrong: exitCodes.internal,
  usage: exitCodes.usage,
  config_invalid: exitCodes.usage,
  address_in_use: exitCodes.usage,
  account_elsewhere: exitCodes.usage,
  grid_owned: exitCodes.usage,
  folder_mismatch: exitCodes.usage,
  artifacts_unusable: exitCodes.usage,
  format_unknown: exitCodes.usage,
  file_unsuitable: exitCodes.usage,
  receipts_forged: exitCodes.notAllowed,
  ledger_broken: exitCodes.internal,
  kernel_unbuildable: exitCodes.usage,
  compiler_missing: exitCodes.usage,
  units_failed: exitCodes.unitsFailed,
  file_unknown: exitCodes.notFound,
  file_forbidden: exitCodes.notAllowed,
  unreachable: exitCodes.unreachable,
  job_cancelled: exitCodes.cancelled,
  kernel_outcome: exitCodes.kernelOutcome,
  wait_timed_out: exitCodes.waitTimedOut,
} as const;

const gridCodes: Record<ErrorCode, number> = {
  bad_request: exitCodes.usage,
  bad_document: exitCodes.usage,
  not_served_yet: exitCodes.usage,
  kernel_refused: exitCodes.usage,
  job_over: exitCodes.usage,
  job_held: exitCodes.usage,
  protocol_unknown: exitCodes.usage,
  job_unknown: exitCodes.notFound,
  token_unknown: exitCodes.notFound,
  team_unknown: exitCodes.notFound,
  link_unknown: exitCodes.notFound,
  link_used: exitCodes.notAllowed,
  link_expired: exitCodes.notAllowed,
  link_locked: exitCodes.notAllowed,
  link_limit: exitCodes.limit,
  link_tries: exitCodes.limit,
  host_unknown: exitCodes.notFound,
  ban_unknown: exitCodes.notFound,
  kernel_not_disabled: exitCodes.notFound,
  credit_insufficient: exitCodes.limit,
  standing_unknown: exitCodes.notFound,
  unit_unknown: exitCodes.notFound,
  artifact_unknown: exitCodes.notFound,
  route_unknown: exitCodes.notFound,
  unauthorized: exitCodes.notAllowed,
  token_expired: exitCodes.notAllowed,
  token_revoked: exitCodes.notAllowed,
  request_unsigned: exitCodes.notAllowed,
  forbidden: exitCodes.notAllowed,
  kernel_disabled: exitCodes.notAllowed,
  host_banned: exitCodes.notAllowed,
  signature_invalid: exitCodes.notAllowed,
  lease_invalid: exitCodes.notAllowed,
  team_taken: exitCodes.usage,
  team_limit: exitCodes.limit,
  too_large: exitCodes.limit,
  hello_timeout: exitCodes.unreachable,
  shutting_down: exitCodes.unreachable,
  unavailable: exitCodes.unreachable,
  crowded: exitCodes.unreachable,
  requests_limit: exitCodes.limit,
  uploads_limit: exitCodes.limit,
  upload_stalled: exitCodes.unreachable,
  storage_low: exitCodes.limit,
  busy: exitCodes.unreachable,
  digest_mismatch: exitCodes.internal,
  range_unsatisfiable: exitCodes.internal,
  out_of_order: exitCodes.internal,
  archive_damaged: exitCodes.internal,
  internal: exitCodes.internal,
};

/** What the coordinator finds wrong with its Redis or its folder is for its operator to configure. */
const redisCodes: Record<RedisErrorCode, number> = {
  redis_missing: exitCodes.usage,
  redis_too_old: exitCodes.usage,
  redis_not_provided: exitCodes.usage,
  redis_url_invalid: exitCodes.usage,
  redis_unreachable: exitCodes.usage,
  redis_cluster_unusable: exitCodes.usage,
  redis_start_failed: exitCodes.usage,
  redis_crash_loop: exitCodes.usage,
  redis_not_stopped: exitCodes.usage,
  redis_snapshot_failed: exitCodes.unreachable,
  data_folder_in_use: exitCodes.usage,
  data_folder_unusable: exitCodes.usage,
};

const backupCodes: Record<BackupErrorCode, number> = {
  no_room: exitCodes.limit,
  folder_not_empty: exitCodes.usage,
  backup_unknown: exitCodes.notFound,
  backup_damaged: exitCodes.internal,
  data_folder_unknown: exitCodes.notFound,
  backup_of_cluster: exitCodes.usage,
};

const codes = { ...redisCodes, ...backupCodes, ...gridCodes, ...ownCodes };
export type FailureCode = keyof typeof codes;

/** The exit code that a failure with this stable code ends in. */
export const exitCodeOf = (code: FailureCode): number => codes[code];
