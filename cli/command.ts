/**
 * Every subcommand starts here: the same help width, examples at the end of its help, and mistakes
 * in its arguments told like every other failure, with exit code 2.
 */
import { Command, type CommanderError, Option } from '@commander-js/extra-typings';
import { Failure } from './failure.ts';

/** Narrow enough for a split window and for a terminal of the old size. */
const helpColumns = 80;

export function command(name: string, about: string, examples: readonly string[]) {
  const made = new Command(name)
    .description(about)
    .showSuggestionAfterError()
    // What comes after a subcommand is its own, also where both have the option.
    .enablePositionalOptions()
    .configureHelp({ helpWidth: helpColumns })
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  return made.exitOverride((error) => {
    throw isAnswer(error) ? error : usageFailure(error, fullName(made));
  });
}

/** `--help` and `--version` end in a CommanderError too, with everything already printed. */
export const isAnswer = (error: unknown): error is CommanderError =>
  error instanceof Error && 'exitCode' in error && error.exitCode === 0;

/** A value on the command line that does not do; commands use it for what commander cannot check. */
export const badUsage = (what: string, why: string, remedy: string): Failure =>
  new Failure('usage', what, { why, remedy });

function usageFailure(error: CommanderError, name: string): Failure {
  const remedy = `see \`${name} --help\``;
  if (error.code === 'commander.help') {
    return badUsage('No command was given.', `\`${name}\` needs to be told what to do`, remedy);
  }
  const [sentence = '', hint = ''] = error.message.replace(/^error: /, '').split('\n');
  const [, what = sentence, why = ''] = /^(.*? is invalid\.) (.*)$/.exec(sentence) ?? [];
  const reason = hint.replace(/^\(|\)$/g, '') || why || whyOf[error.code] || 'it cannot be used so';
  return badUsage(`${what.charAt(0).toUpperCase()}${what.slice(1)}`, reason, remedy);
}

const whyOf: Record<string, string> = {
  'commander.unknownOption': 'the command has no such option',
  'commander.unknownCommand': 'there is no such command',
  'commander.missingArgument': 'the command cannot tell what to act on',
  'commander.optionMissingArgument': 'the option needs a value',
  'commander.missingMandatoryOptionValue': 'the command cannot do without it',
  'commander.excessArguments': 'more was given than the command takes',
};

function fullName(made: { name(): string; parent: unknown }): string {
  const parent = made.parent as typeof made | null;
  return parent === null ? made.name() : `${fullName(parent)} ${made.name()}`;
}

// ---- options that several commands share

/** Where a coordinator listens that was started without a word. */
export const defaultUrl = 'http://127.0.0.1:7700';

export const urlOption = () =>
  new Option('--url <url>', 'the coordinator, or several of one grid: A,B')
    .env('MANYHANDS_URL')
    .default(defaultUrl)
    .argParser(parseUrls);

export const tokenFileOption = () =>
  new Option('--token-file <file>', 'a file with the token (or set MANYHANDS_TOKEN)');

/** For what operators do: the audit log keeps it. */
export const reasonOption = () =>
  new Option('--reason <text>', 'why, for the audit log').default('', 'none');

/** As in a job document. */
export const nansOption = () =>
  new Option('--nans <same|any>', 'any: the kernel lets no NaN out, so leave them as they come')
    .choices(['same', 'any'] as const)
    .default('same' as const);

export const jsonOption = () => new Option('--json', 'print JSON for programs');

/** One address or several with commas, each as `parseUrl` has it: who needs one after the other takes `eachUrl`. */
export const parseUrls = (text: string): string => eachUrl(text).map(parseUrl).join();

export const eachUrl = (urls: string): string[] => urls.split(',');

/** An address with neither path nor trailing slash, as everything is asked below it. */
function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw badUsage(
      `"${text}" is no address of a coordinator.`,
      'an http:// or https:// address is expected',
      'write it like http://127.0.0.1:7700 or https://grid.example.org',
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** For options that take a whole number. */
export const wholeNumber =
  (name: string, min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw badUsage(
      `"${text}" does not do for ${name}.`,
      `a whole number from ${min} to ${max} is expected`,
      `write ${name} ${min}`,
    );
  };
