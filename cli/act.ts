/**
 * A command that does something to one thing, for a reason: bans a host, pauses a job, revokes a token.
 * The reason goes to the audit log, what came of it is printed for programs and told to people.
 */
import { command, jsonOption, reasonOption, tokenFileOption, urlOption } from './command.ts';
import { type Grid, openGrid } from './grid.ts';
import { printJson, say } from './terminal.ts';

export type Act<View> = {
  about: string;
  examples: readonly string[];
  /** What it is done to: the name of the argument, and what to give for it. */
  argument: readonly [name: string, what: string];
  /** Stands below the examples. */
  more?: string;
  run(grid: Grid, id: string, reason: string): Promise<View>;
  /** What people are told. */
  tell(view: View, id: string, grid: Grid): string;
};

export const act = <View>(
  name: string,
  { about, examples, argument, more, run, tell }: Act<View>,
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
      const view = await run(grid, id, reason);
      if (json) printJson(view);
      say(tell(view, id, grid));
    });
