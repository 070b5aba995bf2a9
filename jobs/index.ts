/** The jobs that come with Manyhands, by the name under which the command line offers them. */
import type { Job } from './definition.ts';
import { mersenneJob } from './mersenne/job.ts';

export interface BuiltInJob {
  /** One sentence for a list. */
  readonly summary: string;
  /** The job as the demo runs it: small enough to finish while one watches. */
  readonly demo: () => Job;
}

export const builtInJobs: Readonly<Record<string, BuiltInJob>> = {
  mersenne: {
    summary: 'Which Mersenne numbers 2^p - 1 are prime? The Lucas-Lehmer test, one p a unit.',
    demo: () => mersenneJob({ below: 4500 }),
  },
};
