/** docs/PROTOCOL.md shows what is: every example, every error, every number it names. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { accountExamples } from '../../protocol/account-examples.ts';
import { acts } from '../../protocol/audit.ts';
import { errorCodes, errorFacts } from '../../protocol/errors.ts';
import * as examples from '../../protocol/examples.ts';
import { limits } from '../../protocol/limits.ts';
import { noWorkReasons } from '../../protocol/messages.ts';
import { outcomes, verdicts } from '../../protocol/outcome.ts';
import { tokenScopes } from '../../protocol/tokens.ts';
import { sessionPath, subprotocol } from '../../protocol/version.ts';
import { whyReasons, whySentences } from '../../protocol/why.ts';
import { exampleJson } from './example-json.ts';

const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
const { hostMessageExamples, coordinatorMessageExamples, resultLineExamples } = examples;

describe('docs/PROTOCOL.md', () => {
  const shown: [string, unknown][] = [
    ...Object.entries(hostMessageExamples),
    ...Object.entries(coordinatorMessageExamples),
    ['an error', examples.errorExample],
    ...Object.entries(accountExamples).map(([name, { body }]): [string, unknown] => [name, body]),
    ['a job', examples.jobViewExample],
    ['a result', resultLineExamples[0]],
    ['a failed result', resultLineExamples[1]],
    ['a standing', examples.standingExample],
    ['the grid', examples.gridViewExample],
    ['the shortest job document', examples.shortestDocumentExample],
    ['a whole job document', examples.documentExample],
  ];
  test.each(shown)('shows the example of %s as it is', (_, example) => {
    expect(page).toContain(`\`\`\`json\n${exampleJson(example)}\n\`\`\``);
  });

  test('shows nothing as JSON that is not one of the examples', () => {
    const blocks = [...page.matchAll(/```json\n(.*?)\n```/gs)].map((match) => match[1]);
    const known = new Set(shown.map(([, example]) => exampleJson(example)));
    expect(blocks.filter((block) => !known.has(block ?? ''))).toEqual([]);
  });

  test.each(errorCodes)(
    'lists the error %s with its status, its close code and its sentence',
    (code) => {
      const { httpStatus, closeCode, retry, sentence } = errorFacts(code);
      const row = `| \`${code}\` | ${httpStatus} | ${closeCode ?? '–'} | ${retry ? 'yes' : 'no'} | ${sentence} |`;
      expect(page).toContain(row);
    },
  );

  test.each(whyReasons)('lists the reason %s with its sentence', (reason) => {
    expect(page).toContain(`| \`${reason}\` | ${whySentences[reason]} |`);
  });

  test.each([...outcomes, ...verdicts, ...noWorkReasons, ...tokenScopes, ...acts])(
    'tells of %s',
    (word) => {
      expect(page).toContain(`\`${word}\``);
    },
  );

  test('names the door and the limits as they are', () => {
    expect(page).toContain(`\`${sessionPath}\`, subprotocol \`${subprotocol}\``);
    expect(page).toContain(`A frame has at most ${limits.frameBytesMax / 2 ** 20} MiB`);
    expect(page).toContain(`an array of up to ${limits.messagesPerFrameMax} of them`);
    expect(page).toContain(`up to ${limits.inlineOutputBytesMax / 2 ** 10} KiB, else`);
    expect(page).toContain(`Results of one lease, at most ${limits.resultsPerReportMax}.`);
    expect(page).toContain(`a job document, at most ${limits.documentBytesMax / 2 ** 20} MiB`);
    expect(page).toContain(`the bytes, at most ${limits.artifactBytesMax / 2 ** 20} MiB`);
  });
});
