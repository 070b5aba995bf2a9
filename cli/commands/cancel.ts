import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printJson, say } from '../terminal.ts';

/** Also `manyhands job cancel`: beside pause and resume is where people look for it. */
export const cancel = () =>
  command('cancel', 'Cancel a job. Results that are in already stay.', [
    'manyhands cancel j0123456789abcdef',
  ])
    .argument('<job>', 'the id of the job')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (jobId, options) => {
      const grid = openGrid(options);
      await grid.cancel(jobId);
      const job = await grid.job(jobId);
      if (options.json) printJson(job);
      say(
        `Job ${jobId} is cancelled; ${formatCount(job.canonical)} of ${formatCount(job.units)} were done.`,
      );
    });
