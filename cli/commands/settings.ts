import type { SettingsChange } from '../../protocol/operation.ts';
import { badUsage, command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { formatCredit } from '../format.ts';
import { openGrid } from '../grid.ts';
import { print, printJson } from '../terminal.ts';

export const settings = () =>
  command('settings', 'Show what an operator may set while a grid runs, or set it.', [
    'manyhands settings',
    'manyhands settings --mint-daily 5000',
    'manyhands settings --mint-daily none',
    'manyhands settings --allowance 200',
  ])
    .option(
      '--mint-daily <credits>',
      'what the mint gives a day for curated jobs, or none for no limit',
      parseCredits,
    )
    .option(
      '--allowance <credits>',
      'what the mint gives a scientist with their first job',
      parseCredits,
    )
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async ({ mintDaily, allowance, json, ...options }) => {
      const grid = openGrid(options);
      const change: SettingsChange = {};
      if (mintDaily !== undefined) change.mintDailyMicro = mintDaily.micro;
      if (allowance !== undefined) change.allowanceMicro = allowance.micro ?? '0';
      const isChange = Object.keys(change).length > 0;
      const view = isChange ? await grid.changeSettings(change) : await grid.settings();
      if (json) {
        printJson(view);
        return;
      }
      const daily = view.mintDailyMicro;
      print(`mint-daily  ${daily === null ? 'no limit' : `${formatCredit(daily)} credits a day`}`);
      print(`minted      ${formatCredit(view.mintedTodayMicro)} credits today`);
      print(
        `allowance   ${formatCredit(view.allowanceMicro)} credits for a scientist’s first jobs`,
      );
    });

/** Credits with up to six decimals, as microcredit; null for no limit. */
function parseCredits(text: string): { micro: string | null } {
  if (text === 'none') return { micro: null };
  const [, whole, decimals = ''] = /^([0-9]{1,12})(?:\.([0-9]{1,6}))?$/.exec(text) ?? [];
  if (whole !== undefined) return { micro: String(BigInt(whole + decimals.padEnd(6, '0'))) };
  throw badUsage(
    `"${text}" is no amount of credit.`,
    'a number with at most six decimals is expected, or none',
    'write it like --mint-daily 5000',
  );
}
