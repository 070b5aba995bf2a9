/** Lines of text joined into blocks of this size: a write for each line would cost more than the line. */
const blockChars = 32_768;

export async function* textLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let block = '';
  for await (const line of lines) {
    block += `${line}\n`;
    if (block.length < blockChars) continue;
    yield block;
    block = '';
  }
  if (block !== '') yield block;
}
