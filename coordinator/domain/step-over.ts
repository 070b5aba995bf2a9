/**
 * MessagePack without decoding it: where the value that begins at a byte ends (the specification at
 * msgpack.org, "Formats"), and small numbers in place.
 */

/** Where the next value begins. Throws at bytes that are no value or are cut off: they are our own. */
export function stepOver(bytes: Uint8Array, start: number): number {
  let at = start;
  // Of arrays and maps what they hold is still to be stepped over.
  for (let left = 1; left > 0; left--) {
    const format = byteAt(bytes, at++);
    if (format <= 0x7f || format >= 0xe0) continue;
    if (format <= 0x8f) left += 2 * (format & 0x0f);
    else if (format <= 0x9f) left += format & 0x0f;
    else if (format <= 0xbf) at += format & 0x1f;
    else {
      const { width, data, isCounted } = formatOf(format);
      const size = width === 0 ? 0 : numberAt(bytes, at, width);
      at += width + data;
      if (isCounted === 'bytes') at += size;
      else if (isCounted !== 'no') left += isCounted === 'values' ? size : 2 * size;
    }
  }
  if (at > bytes.length) throw new Error('a MessagePack value is cut off');
  return at;
}

/** The array of small whole numbers that begins here; null when it is anything else. */
export function smallNumbersAt(bytes: Uint8Array, start: number): number[] | null {
  let at = start;
  const format = byteAt(bytes, at++);
  let length: number;
  if (format >= 0x90 && format <= 0x9f) length = format & 0x0f;
  else if (format === 0xdc) {
    length = numberAt(bytes, at, 2);
    at += 2;
  } else return null;
  const numbers: number[] = [];
  for (; length > 0; length--) {
    const first = byteAt(bytes, at++);
    if (first <= 0x7f) numbers.push(first);
    else if (first === 0xcc || first === 0xcd) {
      const width = first - 0xcb;
      numbers.push(numberAt(bytes, at, width));
      at += width;
    } else return null;
  }
  return numbers;
}

/** What follows a format byte from 0xc0 to 0xdf: a length in `width` bytes, `data` bytes, and what is counted. */
type Format = { width: number; data: number; isCounted: 'no' | 'bytes' | 'values' | 'pairs' };

const plain = (data: number): Format => ({ width: 0, data, isCounted: 'no' });
const counted = (width: number, isCounted: Format['isCounted'], data = 0): Format => {
  return { width, data, isCounted };
};
/** Nil, (never used), false, true; bin; ext; float; uint; int; fixext; str; array; map. */
const formats: readonly Format[] = [
  ...[0, 0, 0, 0].map(plain),
  ...[1, 2, 4].map((width) => counted(width, 'bytes')),
  ...[1, 2, 4].map((width) => counted(width, 'bytes', 1)),
  ...[4, 8].map(plain),
  ...[1, 2, 4, 8].map(plain),
  ...[1, 2, 4, 8].map(plain),
  ...[1, 2, 4, 8, 16].map((data) => plain(1 + data)),
  ...[1, 2, 4].map((width) => counted(width, 'bytes')),
  ...[2, 4].map((width) => counted(width, 'values')),
  ...[2, 4].map((width) => counted(width, 'pairs')),
];

const formatOf = (format: number): Format => formats[format - 0xc0] ?? plain(0);

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error('a MessagePack value is cut off');
  return byte;
}

function numberAt(bytes: Uint8Array, at: number, width: number): number {
  let number = 0;
  for (let i = 0; i < width; i++) number = number * 256 + byteAt(bytes, at + i);
  return number;
}
