#!/usr/bin/env node
/**
 * The `manyhands` command. Each subcommand is a thin file in commands/; this one puts them together,
 * and is the only place that turns an error into words and an exit code.
 */
import { protocolVersion } from '../protocol/version.ts';
import { command, isAnswer } from './command.ts';
import { bench } from './commands/bench.ts';
import { cancel } from './commands/cancel.ts';
import { coordinator } from './commands/coordinator.ts';
import { demo } from './commands/demo.ts';
import { join } from './commands/join.ts';
import { kernel } from './commands/kernel.ts';
import { leaderboard } from './commands/leaderboard.ts';
import { list } from './commands/list.ts';
import { results } from './commands/results.ts';
import { run } from './commands/run.ts';
import { show } from './commands/show.ts';
import { submit } from './commands/submit.ts';
import { watch } from './commands/watch.ts';
import { exitCodes } from './exit-codes.ts';
import { tellFailure } from './failure.ts';
import { packageVersion } from './package-root.ts';
import { flushed } from './terminal.ts';

const program = () =>
  command('manyhands', 'Many hands make light work: a volunteer computing grid.', [
    'manyhands join https://grid.example.org   lend this machine’s spare cycles',
    'manyhands submit job.json --wait          have a job computed',
    'manyhands coordinator                     run a grid of your own',
  ])
    .version(
      `manyhands ${packageVersion} (protocol ${protocolVersion}, Node ${process.version})`,
      '--version',
    )
    .addCommand(demo())
    .addCommand(join())
    .addCommand(submit())
    .addCommand(watch())
    .addCommand(show())
    .addCommand(list())
    .addCommand(results())
    .addCommand(cancel())
    .addCommand(leaderboard())
    .addCommand(run())
    .addCommand(kernel())
    .addCommand(coordinator())
    .addCommand(bench());

/**
 * A reader that has seen enough (`… | head`) is no error, and nobody is left to tell. A command that
 * ends in an orderly way at SIGTERM does so here too.
 */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (process.listenerCount('SIGTERM') === 0) process.exit(exitCodes.ok);
  process.kill(process.pid, 'SIGTERM');
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = isAnswer(error) ? exitCodes.ok : tellFailure(error);
}
await flushed();
process.exit();
