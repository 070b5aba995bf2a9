/**
 * Output manners: data goes to stdout, everything else to stderr; colour and cursor movement only
 * where a person looks at a terminal. FORCE_COLOR turns colour on, NO_COLOR off (neither touches
 * the progress bar), and a `dumb` terminal gets what a pipe gets.
 */
import { once } from 'node:events';
import pc from 'picocolors';

type Stream = NodeJS.WriteStream;

function coloured(stream: Stream): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no } = process.env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return !no && isLive(stream);
}

/** Whether a person watches this stream on a terminal that can redraw a line. */
export const isLive = (stream: Stream): boolean =>
  stream.isTTY === true && process.env['TERM'] !== 'dumb';

export const onStdout = pc.createColors(coloured(process.stdout));
export const onStderr = pc.createColors(coloured(process.stderr));

/** A line of data. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** A line for the person. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** One JSON value on one line of stdout. */
export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** Data that may be larger than memory: waits while the reader is slower than we are. */
export async function printInFull(data: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(data)) await once(process.stdout, 'drain');
}

/**
 * Names, details and messages come from strangers: without their control characters (and the ones
 * that reorder text) they cannot move the cursor, rename the window or fake a line of ours.
 */
export const plainText = (text: string): string =>
  text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trimEnd();

/** Resolves when stdout and stderr have been handed to the system. */
export async function flushed(): Promise<void> {
  const flush = (stream: Stream) =>
    new Promise<void>((resolve) => {
      if (stream.writableLength === 0) resolve();
      else stream.write('', () => resolve());
    });
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
}
