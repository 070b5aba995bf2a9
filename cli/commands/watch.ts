import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { followJob, tellEnd, timeoutOption } from '../follow-job.ts';
import { openGrid } from '../grid.ts';
import { printJson } from '../terminal.ts';

export const watch = () =>
  command('watch', 'Follow a job until it ends. Ctrl-C stops looking, not the job.', [
    'manyhands watch j0123456789abcdef',
    'manyhands watch j0123456789abcdef --timeout 2h && ./next-step.sh',
  ])
    .argument('<job>', 'the id of the job')
    .addOption(timeoutOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (jobId, options) => {
      const grid = openGrid(options);
      const ended = await followJob(grid, jobId, { timeoutMs: options.timeout });
      if (ended === null) return;
      if (options.json) printJson(ended);
      await tellEnd(grid, ended);
    });
