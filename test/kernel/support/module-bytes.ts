/** Modules byte by byte, for what text cannot say or would say too slowly. */

export type Bytes = readonly number[] | Uint8Array;

export function concat(parts: readonly Bytes[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const repeated = (count: number, part: Bytes): Bytes[] => new Array<Bytes>(count).fill(part);

/** The same bytes so many times. */
export const times = (count: number, part: Bytes): Uint8Array => concat(repeated(count, part));

export const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 128) | 0x80, ...leb(Math.floor(value / 128))];

export const section = (id: number, content: Bytes): Uint8Array =>
  concat([[id], leb(content.length), content]);

export const vector = (items: readonly Bytes[]): Uint8Array =>
  concat([leb(items.length), ...items]);

export const name = (text: string): number[] => [
  ...leb(text.length),
  ...new TextEncoder().encode(text),
];

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export const moduleOf = (...sections: Bytes[]): Uint8Array => concat([HEADER, ...sections]);

const END = 0x0b;

/** A function body: declarations of locals as [count, type], then code. */
export function bodyOf(code: Bytes, locals: [count: number, type: number][] = []): Uint8Array {
  const declared = vector(locals.map(([count, type]) => [...leb(count), type]));
  return concat([leb(declared.length + code.length + 1), declared, code, [END]]);
}

/** A WASI command whose first function, `_start`, and others have these bodies. */
export function commandOf(bodies: readonly Bytes[]): Uint8Array {
  return moduleOf(
    section(1, vector([[0x60, 0, 0]])),
    section(3, vector(repeated(bodies.length, [0]))),
    section(5, vector([[0x00, 0x01]])),
    section(
      7,
      vector([
        [...name('_start'), 0, 0],
        [...name('memory'), 2, 0],
      ]),
    ),
    section(10, vector(bodies)),
  );
}
