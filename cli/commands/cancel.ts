import { act } from '../act.ts';
import { formatCount } from '../format.ts';

/** Also `manyhands job cancel`: beside pause and resume is where people look for it. */
export const cancel = () =>
  act('cancel', {
    about: 'Cancel a job. Results that are in already stay.',
    examples: ['manyhands cancel j0123456789abcdef'],
    argument: ['job', 'the id of the job'],
    run: (grid, jobId, reason) => grid.cancel(jobId, reason),
    tell: ({ canonical, units }, jobId) =>
      `Job ${jobId} is cancelled; ${formatCount(canonical)} of ${formatCount(units)} were done.`,
  });
