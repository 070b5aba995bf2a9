import { Option } from '@commander-js/extra-typings';
import { badUsage, command, tokenFileOption, urlOption } from '../command.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { openResultSink } from '../result-sink.ts';
import { readResults } from '../results.ts';
import { say } from '../terminal.ts';

export const results = () =>
  command('results', 'Download the results of a job, in the order of its units.', [
    'manyhands results j0123456789abcdef > results.jsonl',
    'manyhands results j0123456789abcdef --format csv --out .',
    'manyhands results j0123456789abcdef --format files --out results/',
  ])
    .argument('<job>', 'the id of the job')
    .addOption(
      new Option('--format <format>', 'one line a unit, a table, or a folder a unit')
        .choices(['jsonl', 'csv', 'files'] as const)
        .default('jsonl' as const),
    )
    .option('--out <dir>', 'write into this folder instead of to stdout')
    .option('--final', 'only results that can no longer be revoked')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .option('--json', 'the same as --format jsonl')
    .action(async (jobId, options) => {
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
      let written = 0;
      try {
        for await (const line of readResults(openGrid(options), jobId)) {
          if (options.final && line.verdict !== 'final') continue;
          await sink.write(line);
          written++;
        }
      } finally {
        await sink.close();
      }
      if (out !== undefined) say(`${formatCount(written)} results are in ${sink.place}.`);
    });
