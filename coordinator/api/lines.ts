import { Readable } from 'node:stream';

/** Lines of text joined into blocks of this size: a write for each line would cost more than the line. */
const blockChars = 32_768;

/** When the lines break off in the middle, what came before that goes out first. */
async function* textLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let block = '';
  try {
    for await (const line of lines) {
      block += `${line}\n`;
      if (block.length < blockChars) continue;
      yield block;
      block = '';
    }
  } catch (error) {
    if (block !== '') yield block;
    throw error;
  }
  if (block !== '') yield block;
}

/**
 * The lines as a body. Settles with the first of them: what goes wrong before that is answered with an error, and
 * what goes wrong later breaks the connection off; whoever asks for the rest is told.
 */
export async function bodyOfLines(lines: AsyncIterable<string>): Promise<Readable> {
  const blocks = textLines(lines);
  const first = await blocks.next();
  async function* all() {
    if (first.done === true) return;
    yield first.value;
    yield* blocks;
  }
  return Readable.from(all());
}
