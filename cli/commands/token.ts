import { tokenScopes } from '../../protocol/tokens.ts';
import { act } from '../act.ts';
import { badUsage, command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { parseDurationMs } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { print, printJson, say } from '../terminal.ts';

export const token = () =>
  command('token', 'Make, list and revoke the tokens of scientists and operators.', [
    'manyhands token create --scopes submit,read --name "Ada’s lab"',
    'manyhands token list',
    'manyhands token revoke k0123456789abcdef --reason "left the lab"',
  ])
    .addCommand(create())
    .addCommand(list())
    .addCommand(revoke());

const create = () =>
  command('create', 'Make a token. It is shown once and stored as a hash.', [
    'manyhands token create --scopes submit > ada.token',
    'manyhands token create --scopes read --name dashboard --expires 90d',
    'manyhands token create --scopes metrics --name prometheus > metrics.token',
    'manyhands token create --scopes submit --account a0123456789abcdef',
  ])
    .requiredOption(
      '--scopes <list>',
      'what it may: read, submit, metrics, operate; by commas',
      parseScopes,
    )
    .option('--name <name>', 'whose it is, for the list and the audit log')
    .option('--expires <time>', 'it ends after this long, like 12h or 90d', parseLife)
    .option('--account <id>', 'whose jobs it submits (default: a new account)')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Scopes:
  read     the results of public jobs, and of the account's own
  submit   submit jobs; read, pause and cancel those of the account
  metrics  the coordinator's metrics, and nothing else
  operate  everything: others' jobs, tokens, hosts, kernels, settings

Jobs belong to the token's account. --account makes a token for one that
exists: a volunteer's, or that of a token which this one replaces.`,
    )
    .action(async ({ scopes, name, expires, account, json, ...options }) => {
      const fresh = await openGrid(options).createToken({
        scopes,
        name: name ?? '',
        expiresInMs: expires ?? null,
        accountId: account ?? null,
      });
      if (json) printJson(fresh);
      else print(fresh.token);
      say(`Token ${fresh.tokenId} for ${fresh.accountId}. It is not shown again.`);
      say('Hand it over in a file: --token-file FILE, or MANYHANDS_TOKEN, is where it goes.');
    });

const list = () =>
  command('list', 'List the tokens, oldest first, without their secrets.', [
    'manyhands token list',
    'manyhands token list --json | jq \'.[] | select(.state == "valid")\'',
  ])
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async ({ json, ...options }) => {
      const tokens = await openGrid(options).tokens();
      if (json) {
        printJson(tokens);
        return;
      }
      const day = (time: string | null) => (time === null ? '-' : time.slice(0, 10));
      printTable(tokens, [
        { title: 'TOKEN', cell: (row) => row.tokenId },
        { title: 'NAME', cell: (row) => row.name || '-' },
        { title: 'SCOPES', cell: (row) => row.scopes.join(',') },
        { title: 'STATE', cell: (row) => row.state },
        { title: 'ACCOUNT', cell: (row) => row.accountId },
        { title: 'MADE', cell: (row) => day(row.createdAt) },
        { title: 'EXPIRES', cell: (row) => day(row.expiresAt) },
      ]);
    });

const revoke = () =>
  act('revoke', {
    about: 'Revoke a token: the next request with it is refused.',
    examples: [
      'manyhands token revoke k0123456789abcdef',
      'manyhands token revoke k0123456789abcdef --reason "found in public"',
    ],
    argument: ['id', 'the id of the token, as `token list` shows it'],
    run: (grid, id, reason) => grid.revokeToken(id, reason),
    tell: ({ tokenId, accountId }) =>
      `Token ${tokenId} is revoked. Its jobs stay, and belong to ${accountId}.`,
  });

function parseScopes(text: string) {
  return text.split(',').map((part) => {
    const scope = tokenScopes.find((known) => known === part.trim());
    if (scope !== undefined) return scope;
    throw badUsage(
      `"${part.trim()}" is no scope.`,
      `there are ${tokenScopes.join(', ')}`,
      'write it like --scopes submit,read',
    );
  });
}

function parseLife(text: string): number {
  const lifeMs = parseDurationMs(text);
  if (lifeMs !== null && lifeMs > 0) return lifeMs;
  throw badUsage(
    `"${text}" is no length of time.`,
    'a number with s, m, h or d is expected',
    'write it like --expires 90d, or leave it out for a token without an end',
  );
}
