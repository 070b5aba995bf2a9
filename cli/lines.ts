/** JSON by the line, as it comes from a stream. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A schema refuses undefined, and the caller shows the line.
    return undefined;
  }
}

/** The lines of a stream of UTF-8. Only what is new is searched: a line may have megabytes. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n');
    rest += first;
    for (const other of others) {
      yield rest;
      rest = other;
    }
  }
  if (rest !== '') yield rest;
}
