import { Option } from '@commander-js/extra-typings';
import { badUsage, command, tokenFileOption, urlOption } from '../command.ts';
import { formatCount } from '../format.ts';
import { type Grid, openGrid } from '../grid.ts';
import { linesOf } from '../lines.ts';
import { openResultSink } from '../result-sink.ts';
import { readResults } from '../results.ts';
import { print, say } from '../terminal.ts';

export const results = () =>
  command('results', 'Download the results of a job, in the order of its units.', [
    'manyhands results j0123456789abcdef > results.jsonl',
    'manyhands results j0123456789abcdef --format csv --out .',
    'manyhands results j0123456789abcdef --format files --out results/',
    'manyhands results j0123456789abcdef --revoked --after 3',
  ])
    .argument('<job>', 'the id of the job')
    .addOption(
      new Option('--format <format>', 'one line a unit, a table, or a folder a unit')
        .choices(['jsonl', 'csv', 'files'] as const)
        .default('jsonl' as const),
    )
    .option('--out <dir>', 'write into this folder instead of to stdout')
    .option('--final', 'only results that can no longer be revoked')
    .option('--revoked', 'instead, what became of results that were proven wrong, as JSONL')
    .option('--after <n>', 'with --revoked: only those after this number', '0')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .option('--json', 'the same as --format jsonl')
    .action(async (jobId, options) => {
      if (options.revoked) {
        const after = wholeNumber(options.after);
        const lines = linesOf(await openGrid(options).revocations(jobId, after));
        for await (const line of lines) print(line);
        return;
      }
      const { out } = options;
      const format = options.json ? 'jsonl' : options.format;
      if (format === 'files' && out === undefined) {
        throw badUsage(
          'Files need a folder to go to.',
          '--format files was given without --out',
          `add --out results-${jobId}`,
        );
      }
      const sink = await openResultSink(format, out);
      const grid = openGrid(options);
      let [read, written] = [0, 0];
      try {
        for await (const line of readResults(grid, jobId)) {
          read++;
          if (options.final && line.verdict !== 'final') continue;
          await sink.write(line);
          written++;
        }
      } finally {
        await sink.close();
      }
      if (out !== undefined) say(`${formatCount(written)} results are in ${sink.place}.`);
      if (read === 0) await tellOfHidden(grid, jobId);
    });

/** Of somebody else's job nothing is shown before it is final. */
async function tellOfHidden(grid: Grid, jobId: string): Promise<void> {
  const { canonical } = await grid.job(jobId);
  if (canonical === 0) return;
  say(`${formatCount(canonical)} results are not final yet: until then its scientist sees them.`);
}

function wholeNumber(text: string): number {
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  throw badUsage(
    `"${text}" is no number of a revocation.`,
    'a whole number is expected',
    'write the last `revocation` that you have seen, like --after 3',
  );
}
