/** How many cores a volunteer lends: a number, or a share of what this process may use. */
import { nodePlatform } from '../worker/platform/node.ts';
import { badUsage } from './command.ts';

/** Half of them keeps a laptop cool and quiet; more is the volunteer's choice. */
export const defaultCores = '50%';

export const coresHere = nodePlatform.cores;

/** At least one: a share of a single core would be none. */
export function parseCores(text: string): number {
  const [, digits, percent] = /^([0-9]{1,4})(%)?$/.exec(text) ?? [];
  const value = Number(digits);
  if (percent !== undefined && value >= 1 && value <= 100) {
    return Math.max(1, Math.floor((coresHere * value) / 100));
  }
  if (percent === undefined && value >= 1) return value;
  throw badUsage(
    `"${text}" is no number of cores.`,
    'a number of at least 1, or a share from 1% to 100% is expected',
    `write --cores 2 or --cores 50%; this machine has ${coresHere}`,
  );
}
