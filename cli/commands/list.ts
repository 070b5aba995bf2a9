import { Option } from '@commander-js/extra-typings';
import { command, jsonOption, tokenFileOption, urlOption, wholeNumber } from '../command.ts';
import { formatCount, percentOf } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { printJson, say } from '../terminal.ts';

export const list = () =>
  command('list', 'List the jobs, newest first.', [
    'manyhands list',
    'manyhands list --max 1000',
    "manyhands list --json | jq -r '.[] | select(.failed > 0) | .jobId'",
  ])
    .addOption(
      new Option('--max <n>', 'at most so many')
        .argParser(wholeNumber('--max', 1, 1_000_000))
        .default(100),
    )
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { jobs, more } = await openGrid(options).jobs(options.max);
      if (more !== null) say('There are older ones; --max shows more of them.');
      if (options.json) {
        printJson(jobs);
        return;
      }
      if (jobs.length === 0) {
        say('No jobs yet. Submit one with `manyhands submit job.json`.');
        return;
      }
      printTable(jobs, [
        { title: 'JOB', cell: (job) => job.jobId },
        { title: 'NAME', cell: (job) => job.name },
        { title: 'STATE', cell: (job) => job.state },
        {
          title: 'DONE',
          align: 'right',
          cell: (job) => `${percentOf(job.canonical + job.failed, job.units)}%`,
        },
        { title: 'UNITS', align: 'right', cell: (job) => formatCount(job.units) },
        { title: 'FAILED', align: 'right', cell: (job) => formatCount(job.failed) },
        { title: 'SUBMITTED', cell: (job) => new Date(job.submittedAt).toLocaleString('sv') },
      ]);
    });
