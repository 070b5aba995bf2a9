import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { followJob, tellEnd, timeoutOption } from '../follow-job.ts';
import { formatUnits } from '../format.ts';
import { openGrid } from '../grid.ts';
import { readJobFile, uploadAttachments } from '../job-file.ts';
import { printJson, say } from '../terminal.ts';

export const submit = () =>
  command('submit', 'Submit a job; its kernel and input files are uploaded.', [
    'manyhands submit job.json',
    'manyhands submit job.json --wait && manyhands results ID > results.jsonl',
    'ID=$(manyhands submit job.json --json | jq -r .jobId)',
  ])
    .argument('<job>', 'a job document; in it, paths may stand for digests')
    .option('--wait', 'wait until every unit is done or failed')
    .addOption(timeoutOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (path, options) => {
      const grid = openGrid(options);
      const { document, attachments } = await readJobFile(path);
      await uploadAttachments(grid, attachments);
      const { jobId, units, notice } = await grid.submit(document);
      say(`Job ${jobId} accepted: ${formatUnits(units)}.`);
      if (notice !== undefined) say(`It waits for more than hosts: ${notice}`);
      if (!options.wait) {
        if (options.json) printJson({ jobId, units });
        say(`Watch:   ${grid.hint(`watch ${jobId}`)}`);
        say(`Results: ${grid.hint(`results ${jobId}`)}`);
        return;
      }
      const ended = await followJob(grid, jobId, { timeoutMs: options.timeout });
      if (options.json) printJson(ended ?? { jobId, units });
      if (ended !== null) await tellEnd(grid, ended);
    });
