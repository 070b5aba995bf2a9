import { Option } from '@commander-js/extra-typings';
import {
  command,
  jsonOption,
  reasonOption,
  tokenFileOption,
  urlOption,
  wholeNumber,
} from '../command.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { print, printJson, say } from '../terminal.ts';

export const host = () =>
  command('host', 'List the hosts of a grid, ban those that do harm, vouch for your own.', [
    'manyhands host list',
    'manyhands host ban h0123456789abcdef --reason "returns noise"',
    'manyhands host unban h0123456789abcdef',
    'manyhands host vouch h0123456789abcdef',
  ])
    .addCommand(list())
    .addCommand(ban())
    .addCommand(unban())
    .addCommand(vouch())
    .addCommand(unvouch());

const list = () =>
  command('list', 'List the hosts that have worked here or are connected, and what is banned.', [
    'manyhands host list',
    'manyhands host list --max 10000 --json > hosts.json',
    "manyhands host list --json | jq '.hosts[] | select(.wrong > 0)'",
  ])
    .addOption(
      new Option('--max <n>', 'at most so many; those that are connected come first')
        .argParser(wholeNumber('--max', 1, 1_000_000))
        .default(1000),
    )
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async ({ json, max, ...options }) => {
      const found = await openGrid(options).hosts(max);
      if (json) {
        printJson(found);
        return;
      }
      say(`${formatCount(found.connected)} connected.`);
      if (found.hosts.length > 0)
        printTable(found.hosts, [
          { title: 'HOST', cell: (row) => row.hostId },
          { title: 'ACCOUNT', cell: (row) => row.accountId },
          { title: 'NAME', cell: (row) => row.name },
          { title: 'STATE', cell: (row) => row.state },
          { title: 'REPUTE', cell: (row) => row.repute },
          { title: 'RESULTS', align: 'right', cell: (row) => formatCount(row.results) },
          { title: 'WRONG', align: 'right', cell: (row) => formatCount(row.wrong) },
          { title: 'CORES', align: 'right', cell: (row) => String(row.cores ?? '') },
          {
            title: 'LAST RESULT',
            cell: ({ lastResultAt: at }) => (at === null ? '' : new Date(at).toLocaleString('sv')),
          },
        ]);
      if (found.more !== null) say('There are more; --max shows more of them.');
      if (found.bans.length === 0) return;
      print('');
      printTable(found.bans, [
        { title: 'BANNED', cell: (row) => row.id },
        { title: 'SINCE', cell: (row) => new Date(row.since).toLocaleString('sv') },
        { title: 'REASON', cell: (row) => row.reason },
      ]);
    });

const ban = () =>
  command('ban', 'Ban a host, or an account with all its hosts.', [
    'manyhands host ban h0123456789abcdef --reason "returns noise"',
    'manyhands host ban a0123456789abcdef',
  ])
    .argument('<id>', 'the id of a host or of an account')
    .addOption(reasonOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nIts sessions end at once and its units go to others. The reason is told to\nthe volunteer. What it has earned stays.',
    )
    .action(async (id, { reason, json, ...options }) => {
      const banned = await openGrid(options).ban(id, reason);
      if (json) printJson(banned);
      say(`${id} is banned. Lift it with \`manyhands host unban ${id}\`.`);
    });

const unban = () =>
  command('unban', 'Let a banned host, or account, work again.', [
    'manyhands host unban h0123456789abcdef',
  ])
    .argument('<id>', 'the id of a host or of an account')
    .addOption(reasonOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (id, { reason, json, ...options }) => {
      const lifted = await openGrid(options).unban(id, reason);
      if (json) printJson(lifted);
      say(`${id} may work again.`);
    });

const vouch = () =>
  command('vouch', 'Vouch for a host: its word settles what strangers dispute.', [
    'manyhands host vouch h0123456789abcdef --reason "the server under my desk"',
  ])
    .argument('<host>', 'the id of a host')
    .addOption(reasonOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nSuch a host is an anchor. It also checks the results of newcomers; one or two in\na hundred hosts are enough. Vouch for machines that you run yourself.',
    )
    .action(async (id, { reason, json, ...options }) => {
      const vouched = await openGrid(options).vouch(id, true, reason);
      if (json) printJson(vouched);
      say(`${id} is an anchor now. Take it back with \`manyhands host unvouch ${id}\`.`);
    });

const unvouch = () =>
  command('unvouch', 'Take back that you vouch for a host.', [
    'manyhands host unvouch h0123456789abcdef',
  ])
    .argument('<host>', 'the id of a host')
    .addOption(reasonOption())
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (id, { reason, json, ...options }) => {
      const vouched = await openGrid(options).vouch(id, false, reason);
      if (json) printJson(vouched);
      say(`${id} is a host like any other now.`);
    });
