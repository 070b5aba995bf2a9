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
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Throws a RangeError when the bytes are not exactly one canonical output. */
export function decodeOutput(bytes: Uint8Array): UnitOutput {
  let at = 0;
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
  if (at !== bytes.length) refuse('bytes left over');
  return { stdout, files };
}

/** Whether `decodeOutput` would take these bytes. */
export function isCanonicalOutput(bytes: Uint8Array): boolean {
  // By far the most common output: stdout alone, shorter than 128 bytes.
  const stdoutBytes = bytes[1] ?? 0x80;
  if (bytes[0] === format && stdoutBytes < 0x80 && bytes.length === stdoutBytes + 3) {
    return bytes[bytes.length - 1] === 0;
  }
  try {
    decodeOutput(bytes);
    return true;
  } catch {
    return false;
  }
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
