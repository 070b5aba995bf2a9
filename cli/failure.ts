/**
 * How a command fails: what went wrong, why, and what to do about it, on three lines of stderr with
 * a stable code that a script or a search engine can find:
 *
 *   error[unreachable]: No coordinator answers at http://127.0.0.1:7700.
 *     why: connection refused
 *     do:  start one with `manyhands coordinator`, or name another with --url
 *
 * A document with several mistakes has one `why` for each, up to a screenful. Whatever is not a
 * Failure is our own mistake; its stack is shown only with MANYHANDS_DEBUG set.
 */
import { exitCodeOf, exitCodes, type FailureCode } from './exit-codes.ts';
import { onStderr, plainText, say } from './terminal.ts';

/** A screen has 24 lines; the rest of the mistakes show on the next try. */
const reasonsShownMax = 12;

export class Failure extends Error {
  readonly code: FailureCode;
  readonly why: readonly string[];
  readonly remedy: string;
  /** When the same may succeed, where the other side said so. */
  readonly retryAfterMs: number | null;

  constructor(
    code: FailureCode,
    what: string,
    told: {
      why: string | readonly string[];
      remedy: string;
      cause?: unknown;
      retryAfterMs?: number | null;
    },
  ) {
    super(what, { cause: told.cause });
    this.name = 'Failure';
    this.code = code;
    this.why = typeof told.why === 'string' ? [told.why] : told.why;
    this.remedy = told.remedy;
    this.retryAfterMs = told.retryAfterMs ?? null;
  }
}

/** Tells the error on stderr and returns the exit code it ends in. */
export function tellFailure(error: unknown): number {
  const failure = error instanceof Failure ? error : ownMistake(error);
  const { bold, red, dim } = onStderr;
  say(`${red(`error[${failure.code}]`)}: ${bold(plainText(failure.message))}`);
  for (const why of failure.why.slice(0, reasonsShownMax))
    say(`  ${dim('why:')} ${plainText(why)}`);
  const more = failure.why.length - reasonsShownMax;
  if (more > 0) say(`  ${dim('why:')} and ${more} more`);
  say(`  ${dim('do:')}  ${plainText(failure.remedy)}`);
  if (process.env['MANYHANDS_DEBUG'] && error instanceof Error) say(dim(error.stack ?? ''));
  return exitCodeOf(failure.code) ?? exitCodes.internal;
}

function ownMistake(error: unknown): Failure {
  return new Failure('internal', 'manyhands made a mistake.', {
    why: error instanceof Error ? error.message : String(error),
    remedy: 'run it again with MANYHANDS_DEBUG=1 and report what it prints',
    cause: error,
  });
}
