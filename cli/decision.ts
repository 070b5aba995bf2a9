/**
 * A command that decides something about one thing, for a reason: a ban, a pause, a revocation. The
 * reason goes to the audit log, what came of it is printed for programs and told to people.
 */
import { command, jsonOption, reasonOption, tokenFileOption, urlOption } from './command.ts';
import { type Grid, openGrid } from './grid.ts';
import { printJson, say } from './terminal.ts';

export type Decision<View> = {
  about: string;
  examples: readonly string[];
  /** What it is about: the name of the argument, and what to give for it. */
  argument: readonly [name: string, what: string];
  /** Stands below the examples. */
  more?: string;
  decide(grid: Grid, id: string, reason: string): Promise<View>;
  /** What people are told. */
  tell(view: View, id: string, grid: Grid): string;
};

export const decision = <View>(
  name: string,
  { about, examples, argument, more, decide, tell }: Decision<View>,
) =>
  command(name, about, examples)
    .argument(`<${argument[0]}>`, argument[1])
    .addOption(reasonOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText('after', more === undefined ? '' : `\n${more}`)
    .action(async (id, { reason, json, ...options }) => {
      const grid = openGrid(options);
      const view = await decide(grid, id, reason);
      if (json) printJson(view);
      say(tell(view, id, grid));
    });
