import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { command, jsonOption, urlOption } from '../command.ts';
import { workerFolder } from '../folders.ts';
import { formatSeconds } from '../format.ts';
import { adoptByCode, offerLink } from '../link.ts';
import { plainText, print, printJson, say } from '../terminal.ts';
import { workerName } from '../worker-name.ts';

export const link = () =>
  command('link', 'Have several machines earn for one account, by a code.', [
    'manyhands link --url https://grid.example.org',
    'manyhands link K7Q4-M9TX --url https://grid.example.org',
    'manyhands join https://grid.example.org --code K7Q4-M9TX',
  ])
    .argument('[code]', 'what the other machine shows; without it, this one shows a code')
    .addOption(
      new Option('--data <dir>', 'where keys and unreported results are kept').default(
        workerFolder,
        'a folder of yours',
      ),
    )
    .addOption(urlOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
On the machine that has the account: without a code. It shows one, and waits
until the other machine has used it. The account's key stays where it is; the
other machine gets a certificate for a key of its own. A code serves one
machine and ten minutes. What a machine earned before it was linked stays with
the account that it had.`,
    )
    .action(async (code, { url, data, json }) => {
      const folder = resolve(data);
      if (code !== undefined) {
        await adoptByCode(url, folder, code, await workerName(folder, undefined));
        if (json) printJson({ linked: true });
        say(`Linked. Lend this machine with: manyhands join ${url}`);
        return;
      }
      const hostName = await offerLink(url, folder, (shown, expiresInMs) => {
        if (json) printJson({ code: shown, expiresInMs });
        else print(shown);
        say(`On the other machine: manyhands join ${url} --code ${shown}`);
        say(`Good for one machine and ${formatSeconds(expiresInMs / 1000)}. Ctrl-C takes it back.`);
      });
      if (json) printJson({ linked: hostName });
      say(`Linked: ${plainText(hostName)} earns for this account now.`);
    });
