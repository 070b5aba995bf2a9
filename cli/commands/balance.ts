import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { type BalanceView, balanceSchema } from '../../protocol/operation.ts';
import { signedRequest } from '../account-key.ts';
import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { workerFolder } from '../folders.ts';
import { formatCredit } from '../format.ts';
import { openGrid } from '../grid.ts';
import { openHttp } from '../http.ts';
import { onStdout, print, printJson } from '../terminal.ts';

const path = '/v1/balance';

export const balance = () =>
  command('balance', 'Show what credit you have: to spend on jobs, and earned.', [
    'manyhands balance',
    'manyhands balance --worker',
    'manyhands balance --json | jq -r .scientistMicro',
  ])
    .option('--worker', 'of the account that this machine’s worker earns for, not of a token')
    .addOption(
      new Option('--data <dir>', 'the folder of the worker, which has the account’s key').default(
        workerFolder,
        'a folder of yours',
      ),
    )
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async ({ worker, data, json, ...options }) => {
      const view = worker ? await ofWorker(options.url, data) : await openGrid(options).balance();
      if (json) {
        printJson(view);
        return;
      }
      for (const [label, micro, meaning] of linesOf(view)) {
        print(`${onStdout.dim(label.padEnd(10))} ${formatCredit(micro).padStart(14)}  ${meaning}`);
      }
    });

async function ofWorker(url: string, data: string): Promise<BalanceView> {
  const { gridId } = await openGrid({ url }).grid();
  const authorization = await signedRequest(resolve(data), gridId, 'GET', path);
  return await openHttp(url, null).ask(balanceSchema, path, { headers: { authorization } });
}

const linesOf = (view: BalanceView): [string, string, string][] => [
  ['jobs', view.scientistMicro, 'to spend on your jobs'],
  ['set aside', view.escrowMicro, 'for your jobs that are not over'],
  ['available', view.availableMicro, 'earned for good; pays for your jobs too'],
  ['pending', view.pendingMicro, 'earned, until its hold is over'],
  ...(view.owedMicro === '0' ? [] : [owed(view.owedMicro)]),
];

const owed = (micro: string): [string, string, string] => [
  'owed',
  micro,
  'computed when your credit had ended: paid back first',
];
