import { limits } from '../../protocol/limits.ts';
import { command, jsonOption, tokenFileOption, urlOption, wholeNumber } from '../command.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { print, say } from '../terminal.ts';

/** What fits on a screen or two. */
const usual = 50;

export const auditLog = () =>
  command('audit-log', 'Show what operators did: by which token, when and why.', [
    'manyhands audit-log',
    'manyhands audit-log --last 1000000 --json | jq \'select(.act == "host_ban")\'',
  ])
    .option('--last <n>', 'how many entries', wholeNumber('--last', 1, 1e12), usual)
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nNewest last. With --json each entry is a line. Entries are never changed\nor removed; each is written before its act.',
    )
    .action(async ({ last, json, ...options }) => {
      const entries = (await openGrid(options).auditLog(last, limits.auditEntriesMax)).reverse();
      if (json) {
        for (const entry of entries) print(JSON.stringify(entry));
        return;
      }
      if (entries.length === 0) {
        say('Nothing yet: no operator has done anything that is logged.');
        return;
      }
      printTable(entries, [
        { title: 'WHEN', cell: (row) => new Date(row.at).toLocaleString('sv') },
        { title: 'TOKEN', cell: (row) => row.tokenName || row.tokenId },
        { title: 'ACT', cell: (row) => row.act },
        { title: 'TARGET', cell: (row) => row.target },
        { title: 'DETAIL', cell: (row) => row.detail },
        { title: 'REASON', cell: (row) => row.reason },
      ]);
    });
