import { Option } from '@commander-js/extra-typings';
import { act } from '../act.ts';
import { command, jsonOption, tokenFileOption, urlOption, wholeNumber } from '../command.ts';
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
  act('ban', {
    about: 'Ban a host, or an account with all its hosts.',
    examples: [
      'manyhands host ban h0123456789abcdef --reason "returns noise"',
      'manyhands host ban a0123456789abcdef',
    ],
    argument: ['id', 'the id of a host or of an account'],
    more: 'Its sessions end at once and its units go to others. The reason is told to\nthe volunteer. What it has earned stays.',
    run: (grid, id, reason) => grid.ban(id, reason),
    tell: (_, id, grid) => `${id} is banned. Lift it with \`${grid.hint(`host unban ${id}`)}\`.`,
  });

const unban = () =>
  act('unban', {
    about: 'Let a banned host, or account, work again.',
    examples: ['manyhands host unban h0123456789abcdef'],
    argument: ['id', 'the id of a host or of an account'],
    run: (grid, id, reason) => grid.unban(id, reason),
    tell: (_, id) => `${id} may work again.`,
  });

const vouch = () =>
  act('vouch', {
    about: 'Vouch for a host: its word settles what strangers dispute.',
    examples: ['manyhands host vouch h0123456789abcdef --reason "the server under my desk"'],
    argument: ['host', 'the id of a host'],
    more: 'Such a host is an anchor. It also checks the results of newcomers; one or two in\na hundred hosts are enough. Vouch for machines that you run yourself.',
    run: (grid, id, reason) => grid.vouch(id, true, reason),
    tell: (_, id, grid) =>
      `${id} is an anchor now. Take it back with \`${grid.hint(`host unvouch ${id}`)}\`.`,
  });

const unvouch = () =>
  act('unvouch', {
    about: 'Take back that you vouch for a host.',
    examples: ['manyhands host unvouch h0123456789abcdef'],
    argument: ['host', 'the id of a host'],
    run: (grid, id, reason) => grid.vouch(id, false, reason),
    tell: (_, id) => `${id} is a host like any other now.`,
  });
