// What can go wrong between us and Redis that a person has to mend. Each error is the three lines of
// the house (what happened, why, what to do) plus a stable code; the command line prints them as they
// are and ends with its code for configuration errors. Our own bugs are not RedisErrors.

export type RedisErrorCode =
  | 'redis_missing'
  | 'redis_too_old'
  | 'redis_not_provided'
  | 'redis_url_invalid'
  | 'redis_unreachable'
  | 'redis_cluster_unusable'
  | 'redis_start_failed'
  | 'redis_crash_loop'
  | 'redis_not_stopped'
  | 'redis_snapshot_failed'
  | 'data_folder_in_use'
  | 'data_folder_unusable';

export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly code: RedisErrorCode;
  readonly what: string;
  readonly why: string;
  readonly doThis: string;

  constructor(
    code: RedisErrorCode,
    lines: { what: string; why: string; doThis: string },
    options?: ErrorOptions,
  ) {
    super(`${lines.what}: ${lines.why}`, options);
    this.code = code;
    this.what = lines.what;
    this.why = lines.why;
    this.doThis = lines.doThis;
  }
}

/** The part of a failure worth showing in a `why` line. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
