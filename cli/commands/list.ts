import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { formatCount, percentOf } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { printJson, say } from '../terminal.ts';

export const list = () =>
  command('list', 'List the jobs, newest first.', [
    'manyhands list',
    "manyhands list --json | jq -r '.[] | select(.failed > 0) | .jobId'",
  ])
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const jobs = await openGrid(options).jobs();
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
