/** Modules byte by byte, for what text cannot say or would say too slowly. */

export const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 128) | 0x80, ...leb(Math.floor(value / 128))];

export const section = (id: number, content: number[]): number[] => [
  id,
  ...leb(content.length),
  ...content,
];

export const vector = (items: number[][]): number[] => [...leb(items.length), ...items.flat()];

export const name = (text: string): number[] => [
  ...leb(text.length),
  ...new TextEncoder().encode(text),
];

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

export const moduleOf = (...sections: number[][]): Uint8Array =>
  new Uint8Array([...HEADER, ...sections.flat()]);

const END = 0x0b;

/** A function body: declarations of locals as [count, type], then code. */
export function bodyOf(code: number[], locals: [count: number, type: number][] = []): number[] {
  const content = [...vector(locals.map(([count, type]) => [...leb(count), type])), ...code, END];
  return [...leb(content.length), ...content];
}

/** A WASI command whose first function, `_start`, and others have these bodies. */
export function commandOf(bodies: number[][], { pages = [0x00, 0x01] } = {}): Uint8Array {
  return moduleOf(
    section(1, vector([[0x60, 0, 0]])),
    section(3, vector(bodies.map(() => [0]))),
    section(5, vector([pages])),
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
