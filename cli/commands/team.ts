import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import type { TeamView } from '../../protocol/teams.ts';
import { teamViewSchema } from '../../protocol/teams.ts';
import { signedRequest } from '../account-key.ts';
import { command, jsonOption, urlOption } from '../command.ts';
import { workerFolder } from '../folders.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { openHttp } from '../http.ts';
import { plainText, print, printJson, say } from '../terminal.ts';

export const team = () =>
  command('team', 'Found a team, join one, leave it, or look at one.', [
    'manyhands team create "Physics 101"',
    'manyhands team join "Physics 101"',
    'manyhands team leave',
  ])
    .addCommand(create())
    .addCommand(join())
    .addCommand(leave())
    .addCommand(show());

const create = () =>
  command('create', 'Found a team; your account is its first member.', [
    'manyhands team create "Physics 101"',
  ])
    .argument('<name>', '2 to 40 characters, of one script')
    .addOption(dataOption())
    .addOption(urlOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nTakes an account that has computed a unit, and a name that no team has, nor\none that looks like it.',
    )
    .action(async (name, options) => {
      const founded = await asAccount(options, 'POST', pathOf(name));
      tell(founded, options.json);
      say(`Others join with: manyhands join ${options.url} --team ${quoted(founded.name)}`);
    });

const join = () =>
  command('join', 'Have what your account earns from now on count for a team.', [
    'manyhands team join "Physics 101"',
  ])
    .argument('<name>', 'the name of the team')
    .addOption(dataOption())
    .addOption(urlOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nWhat was earned before stays where it was earned.')
    .action(async (name, options) => {
      tell(await asAccount(options, 'POST', `${pathOf(name)}/members`), options.json);
    });

const leave = () =>
  command('leave', 'Leave the team that your account is in, if it is in one.', [
    'manyhands team leave',
  ])
    .addOption(dataOption())
    .addOption(urlOption())
    .action(async ({ url, data }) => {
      await signed(url, data, 'DELETE', '/v1/membership');
      say('Your account is in no team now. What it earned for one stays there.');
    });

const show = () =>
  command('show', 'Show a team.', ['manyhands team show "Physics 101"'])
    .argument('<name>', 'the name of the team')
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(async (name, { url, json }) => {
      tell(await openHttp(url, null).ask(teamViewSchema, pathOf(name)), json);
    });

const dataOption = () =>
  new Option('--data <dir>', 'the folder of the worker, which has the account’s key').default(
    workerFolder,
    'a folder of yours',
  );

type Where = { url: string; data: string };

async function asAccount({ url, data }: Where, method: string, path: string): Promise<TeamView> {
  const reply = await signed(url, data, method, path);
  return teamViewSchema.parse(await reply.json());
}

async function signed(url: string, data: string, method: string, path: string): Promise<Response> {
  const { gridId } = await openGrid({ url }).grid();
  const authorization = await signedRequest(resolve(data), gridId, method, path);
  return await openHttp(url, null).request(path, { method, headers: { authorization } });
}

const pathOf = (name: string): string => `/v1/teams/${encodeURIComponent(name)}`;
const quoted = (name: string): string => `"${plainText(name)}"`;

function tell(view: TeamView, json: true | undefined): void {
  if (json) {
    printJson(view);
    return;
  }
  const { name, members, foundedAt } = view;
  const accounts = members === 1 ? 'account' : 'accounts';
  print(
    `${plainText(name)}: ${formatCount(members)} ${accounts}, founded ${foundedAt.slice(0, 10)}.`,
  );
}
