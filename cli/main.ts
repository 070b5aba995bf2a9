#!/usr/bin/env node
/**
 * The `manyhands` command. Each subcommand is a thin file in commands/; this one puts them together,
 * and is the only place that turns an error into words and an exit code.
 */
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { protocolVersion } from '../protocol/version.ts';
import { command, isAnswer } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { tellFailure } from './failure.ts';
import { packageVersion } from './package-root.ts';
import { flushed } from './terminal.ts';

/** In the order in which help lists them. */
const commands: Record<string, () => Promise<CommandUnknownOpts>> = {
  demo: async () => (await import('./commands/demo.ts')).demo(),
  join: async () => (await import('./commands/join.ts')).join(),
  submit: async () => (await import('./commands/submit.ts')).submit(),
  watch: async () => (await import('./commands/watch.ts')).watch(),
  show: async () => (await import('./commands/show.ts')).show(),
  list: async () => (await import('./commands/list.ts')).list(),
  results: async () => (await import('./commands/results.ts')).results(),
  cancel: async () => (await import('./commands/cancel.ts')).cancel(),
  leaderboard: async () => (await import('./commands/leaderboard.ts')).leaderboard(),
  balance: async () => (await import('./commands/balance.ts')).balance(),
  receipts: async () => (await import('./commands/receipts.ts')).receipts(),
  why: async () => (await import('./commands/why.ts')).why(),
  ledger: async () => (await import('./commands/ledger.ts')).ledger(),
  run: async () => (await import('./commands/run.ts')).run(),
  kernel: async () => (await import('./commands/kernel.ts')).kernel(),
  coordinator: async () => (await import('./commands/coordinator.ts')).coordinator(),
  job: async () => (await import('./commands/job.ts')).job(),
  host: async () => (await import('./commands/host.ts')).host(),
  settings: async () => (await import('./commands/settings.ts')).settings(),
  link: async () => (await import('./commands/link.ts')).link(),
  team: async () => (await import('./commands/team.ts')).team(),
  backup: async () => (await import('./commands/backup.ts')).backup(),
  restore: async () => (await import('./commands/restore.ts')).restore(),
  token: async () => (await import('./commands/token.ts')).token(),
  'audit-log': async () => (await import('./commands/audit-log.ts')).auditLog(),
  bench: async () => (await import('./commands/bench.ts')).bench(),
};

const surroundings = `
Exit codes:
  0 ok                  4 not found           8 cancelled
  1 our mistake         5 not allowed         9 the kernel did not exit
  2 usage or config     6 unreachable        10 the wait timed out
  3 units failed        7 limit or quota    130, 143 by signal

Environment:
  MANYHANDS_URL         the coordinator, instead of --url
  MANYHANDS_TOKEN       the token, instead of --token-file
  MANYHANDS_DATA        the coordinator's data folder, instead of --data
  MANYHANDS_DEBUG       set: errors come with a stack
  NO_COLOR, FORCE_COLOR as everywhere`;

/** Loads only the command that was asked for, which halves the time to the first character. */
async function program(asked: string | undefined): Promise<CommandUnknownOpts> {
  const whole = command('manyhands', 'Many hands make light work: a volunteer computing grid.', [
    'manyhands join https://grid.example.org   lend this machine’s spare cycles',
    'manyhands submit job.json --wait          have a job computed',
    'manyhands coordinator                     run a grid of your own',
  ]).version(
    `manyhands ${packageVersion} (protocol ${protocolVersion}, Node ${process.version})`,
    '--version',
  );
  whole.addHelpText('after', surroundings);
  const one = asked !== undefined && Object.hasOwn(commands, asked) ? commands[asked] : undefined;
  for (const load of one === undefined ? Object.values(commands) : [one]) {
    whole.addCommand(await load());
  }
  return whole;
}

/**
 * A reader that has seen enough (`… | head`) is no error, nor is a terminal that was closed, and
 * nobody is left to tell. A command that ends in an orderly way at SIGTERM does so here too.
 */
const isUnread = ({ code }: NodeJS.ErrnoException) => code === 'EPIPE' || code === 'EIO';
process.stdout.on('error', (error) => {
  if (!isUnread(error)) throw error;
  if (process.listenerCount('SIGTERM') === 0) process.exit(exitCodes.ok);
  process.kill(process.pid, 'SIGTERM');
});
process.stderr.on('error', (error) => {
  if (!isUnread(error)) throw error;
});

try {
  await (await program(process.argv[2])).parseAsync();
} catch (error) {
  process.exitCode = isAnswer(error) ? exitCodes.ok : tellFailure(error);
}
await flushed();
process.exit();
