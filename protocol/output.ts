/**
 * The output of a unit as one run of bytes, so that two hosts' outputs are equal exactly when these
 * bytes are, and one SHA-256 names them. Small ones ride in the report, large ones are one artifact.
 *
 *   byte   1            format, 1
 *   varint n, n bytes   stdout
 *   varint n            number of files, sorted by the bytes of their path
 *     varint n, n bytes   path, UTF-8
 *     varint n, n bytes   content
 *
 * Varints are LEB128, unsigned, as in WebAssembly, in their shortest form.
 */
import { concatBytes } from './bytes.ts';

export type UnitOutput = { stdout: Uint8Array; files: Record<string, Uint8Array> };

const format = 1;
const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

export function encodeOutput(output: UnitOutput): Uint8Array<ArrayBuffer> {
  const files = Object.entries(output.files)
    .map(([path, content]) => ({ path: utf8.encode(path), content }))
    .sort((a, b) => compareBytes(a.path, b.path));
  const parts: Uint8Array[] = [
    Uint8Array.of(format),
    varint(output.stdout.length),
    output.stdout,
    varint(files.length),
  ];
  for (const { path, content } of files) {
    parts.push(varint(path.length), path, varint(content.length), content);
  }
  return concatBytes(parts);
}

/** Throws a RangeError when the bytes are not exactly one canonical output. */
export function decodeOutput(bytes: Uint8Array): UnitOutput {
  const { output, end } = readOutput(bytes, 0);
  if (end !== bytes.length)
    throw new RangeError(`not a unit output: bytes left over at byte ${end}`);
  return output;
}

/** What counts for a job's `outputBytesMax`: stdout and the files. Throws as `decodeOutput` does. */
export function contentBytes(bytes: Uint8Array): number {
  const { stdout, files } = decodeOutput(bytes);
  return Object.values(files).reduce((sum, { length }) => sum + length, stdout.length);
}

/** What an output may take beside its content, for lengths and paths: ten thousand files with names of 800 bytes. */
export const outputFramingBytesMax = 8 * 1024 * 1024;

/** Whether `decodeOutput` would take these bytes. */
export const isCanonicalOutput = (bytes: Uint8Array): boolean =>
  endOfOutput(bytes, 0) === bytes.length;

/**
 * Where each of some outputs ends that stand one after the other. Null when the bytes are not exactly
 * that many canonical outputs.
 */
export function endsOfOutputs(bytes: Uint8Array, count: number): number[] | null {
  const ends = new Array<number>(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = endOfOutput(bytes, at);
    if (end < 0) return null;
    ends[i] = end;
    at = end;
  }
  return at === bytes.length ? ends : null;
}

/** The byte after the output that starts at `start`; -1 when it is not canonical. */
function endOfOutput(bytes: Uint8Array, start: number): number {
  // By far the most common output: stdout alone, shorter than 128 bytes.
  const stdoutBytes = bytes[start + 1] ?? 0x80;
  const end = start + stdoutBytes + 3;
  if (bytes[start] === format && stdoutBytes < 0x80 && bytes[end - 1] === 0) return end;
  try {
    return readOutput(bytes, start).end;
  } catch {
    return -1;
  }
}

function readOutput(bytes: Uint8Array, start: number): { output: UnitOutput; end: number } {
  let at = start;
  const refuse = (why: string): never => {
    throw new RangeError(`not a unit output: ${why} at byte ${at}`);
  };
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? refuse('cut off');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte === 0 && shift > 0 ? refuse('a long varint') : value;
      if (shift >= 28) refuse('a varint over 32 bits');
    }
  };
  const readBytes = (): Uint8Array => {
    const length = readVarint();
    if (at + length > bytes.length) refuse('cut off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  if (bytes[at++] !== format) refuse('an unknown format');
  const stdout = readBytes();
  const files: Record<string, Uint8Array> = Object.create(null);
  let previous: Uint8Array | null = null;
  for (let left = readVarint(); left > 0; left--) {
    const path = readBytes();
    if (previous !== null && compareBytes(previous, path) >= 0) refuse('paths out of order');
    previous = path;
    files[text.decode(path)] = readBytes();
  }
  return { output: { stdout, files }, end: at };
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
