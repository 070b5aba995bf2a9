import { act } from '../act.ts';
import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { exportTo } from '../export-job.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { tellPause } from '../tell-pause.ts';
import { plainText, printJson, say } from '../terminal.ts';
import { cancel } from './cancel.ts';

export const job = () =>
  command(
    'job',
    'Pause, resume and cancel jobs; export and remove old ones; curate those that the mint pays for.',
    [
      'manyhands job pause j0123456789abcdef --reason "looking at its first results"',
      'manyhands job resume j0123456789abcdef',
      'manyhands job export j0123456789abcdef --out old/',
      'manyhands job remove j0123456789abcdef',
      'manyhands job curate j0123456789abcdef --reason "peer-reviewed"',
    ],
  )
    .addCommand(pause())
    .addCommand(resume())
    .addCommand(cancel())
    .addCommand(exportJob())
    .addCommand(remove())
    .addCommand(curate())
    .addCommand(uncurate());

const pause = () =>
  act('pause', {
    about: 'Hand out no more units of a job. What runs is finished and counts.',
    examples: ['manyhands job pause j0123456789abcdef'],
    argument: ['job', 'the id of the job'],
    run: (grid, jobId, reason) => grid.pause(jobId, reason),
    tell: (_, jobId, grid) =>
      `Job ${jobId} is paused. Go on with \`${grid.hint(`job resume ${jobId}`)}\`.`,
  });

const resume = () =>
  act('resume', {
    about: 'Hand out units of a paused job again.',
    examples: ['manyhands job resume j0123456789abcdef'],
    argument: ['job', 'the id of the job'],
    more: 'Lifts the pause of its owner. What an operator paused, an operator resumes;\na disabled kernel keeps its jobs paused.',
    run: (grid, jobId, reason) => grid.resume(jobId, reason),
    tell: (view, jobId) =>
      view.paused === null
        ? `Job ${jobId} goes on.`
        : `Job ${jobId} is still paused: ${tellPause(view.paused)}.`,
  });

const remove = () =>
  act('remove', {
    about: 'Remove a job that is final, and its results, for good.',
    examples: ['manyhands job remove j0123456789abcdef --reason "published"'],
    argument: ['job', 'the id of the job'],
    more: 'All of it has to be final: `show` tells. Keep it with `job export` first.\nCredit that was earned with it stays.',
    run: (grid, jobId, reason) => grid.remove(jobId, reason),
    tell: ({ name }, jobId) => `Job ${jobId} (${plainText(name)}) is removed.`,
  });

const exportJob = () =>
  command('export', 'Keep a job in a folder: document, results, kernel and inputs.', [
    'manyhands job export j0123456789abcdef --out old/',
  ])
    .argument('<job>', 'the id of the job')
    .requiredOption('--out <dir>', 'the folder; one of the job’s id is made in it')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe folder has its name when it is whole, and not before.\n`sha256sum -c SHA256SUMS` in it checks it anywhere.',
    )
    .action(async (jobId, { json, out, ...options }) => {
      const exported = await exportTo(openGrid(options), jobId, out);
      if (json) printJson(exported);
      say(`Job ${jobId} is in ${exported.folder}: ${formatCount(exported.results)} results.`);
    });

const curate = () =>
  act('curate', {
    about: 'Have the mint pay for a job, within its daily budget.',
    examples: ['manyhands job curate j0123456789abcdef --reason "peer-reviewed"'],
    argument: ['job', 'the id of the job'],
    run: (grid, jobId, reason) => grid.curate(jobId, 'curate', reason),
    tell: (_, jobId) => `Job ${jobId} is curated.`,
  });

const uncurate = () =>
  act('uncurate', {
    about: 'Let a job be paid from its owner’s credit again.',
    examples: ['manyhands job uncurate j0123456789abcdef'],
    argument: ['job', 'the id of the job'],
    run: (grid, jobId, reason) => grid.curate(jobId, 'uncurate', reason),
    tell: (_, jobId) => `Job ${jobId} is no longer curated.`,
  });
