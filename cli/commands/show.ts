import type { JobView } from '../../protocol/http.ts';
import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import {
  formatCount,
  formatCredit,
  formatEta,
  formatRate,
  formatUnits,
  percentOf,
} from '../format.ts';
import { openGrid } from '../grid.ts';
import { tellPause } from '../tell-pause.ts';
import { onStdout, plainText, print, printJson } from '../terminal.ts';

export const show = () =>
  command('show', 'Show how a job stands.', [
    'manyhands show j0123456789abcdef',
    'manyhands show j0123456789abcdef --json | jq .canonical',
    'manyhands show j0123456789abcdef --document > job.json',
  ])
    .argument('<job>', 'the id of the job')
    .option('--document', 'print the job document, with every default filled in')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (jobId, options) => {
      const grid = openGrid(options);
      if (options.document) {
        print(JSON.stringify(await grid.document(jobId), null, options.json ? 0 : 2));
        return;
      }
      const job = await grid.job(jobId);
      if (options.json) {
        printJson(job);
        return;
      }
      const ended = job.canonical + job.failed;
      const lines: [string, string][] = [
        ['job', `${plainText(job.name)}  ${onStdout.dim(job.jobId)}`],
        ['state', stateOf(job)],
        ['owner', `${job.owner ?? 'nobody'}${job.public ? '' : ', private'}`],
        ['done', `${formatCount(job.canonical)} of ${formatUnits(job.units)}`],
        ['', `${percentOf(ended, job.units)} %, ${formatCount(job.final)} of them final`],
        ['failed', formatCount(job.failed)],
        ['running', formatCount(job.running)],
        ['waiting', formatCount(job.waiting)],
        ['pace', `${formatRate(job.unitsPerSecond)} units/s, ETA ${formatEta(job.eta)}`],
        ['credit', formatCredit(job.creditMicro)],
        ['submitted', new Date(job.submittedAt).toLocaleString('sv')],
      ];
      if (job.completedAt)
        lines.push(['completed', new Date(job.completedAt).toLocaleString('sv')]);
      for (const [label, text] of lines) print(`${onStdout.dim(label.padEnd(10))} ${text}`);
    });

function stateOf({ state, paused, decidedAt, unchecked }: JobView): string {
  if (paused !== null) return `paused: ${tellPause(paused)}`;
  if (state === 'open' && decidedAt !== null) return 'open: its last hosts are being checked';
  if (unchecked === 0) return state;
  return `${state}; nobody was there to check ${formatCount(unchecked)} of its accounts`;
}
