/** Teams: founded, joined, left, shown. Whoever asks has proved whose account it is about. */
import { GridError } from '../../protocol/errors.ts';
import { type AccountId, idFromBytes } from '../../protocol/ids.ts';
import type { TeamView } from '../../protocol/teams.ts';
import { parseTeamName } from '../domain/team-name.ts';
import type { TeamFacts } from '../store/account-store.ts';
import type { Context } from './context.ts';

/** Enough for whoever organises several; few enough that nobody takes all the good names. */
const foundedMax = 5;

/**
 * The founder is in it at once. Throws GridError `bad_request` for a name that does not do,
 * `team_taken` for one that is somebody's or looks like it, `team_limit`, and `forbidden` for an
 * account that has never computed anything.
 */
export async function foundTeam(
  context: Context,
  founder: AccountId,
  wanted: string,
): Promise<TeamView> {
  const { accounts } = context.store;
  const parsed = parseTeamName(wanted);
  if ('flaw' in parsed) throw new GridError('bad_request', `The name of a team: ${parsed.flaw}.`);
  await assertWorked(context, founder);
  const teamId = idFromBytes('t', context.randomBytes(10));
  const facts: TeamFacts = { teamId, name: parsed.name, founder, foundedAt: context.now() };
  const reply = await accounts.foundTeam(facts, parsed.key, foundedMax);
  if (reply === 'taken') throw new GridError('team_taken', parsed.name);
  if (reply === 'too_many')
    throw new GridError('team_limit', `An account founds at most ${foundedMax}.`);
  return toView({ ...facts, members: 1 });
}

/** Throws GridError `team_unknown`, and `forbidden` as `foundTeam` does. */
export async function joinTeam(
  context: Context,
  accountId: AccountId,
  name: string,
): Promise<TeamView> {
  await assertWorked(context, accountId);
  const { teamId } = await findTeam(context, name);
  await context.store.accounts.moveToTeam(accountId, teamId);
  return toView(await findTeam(context, name));
}

/** To leave without being in a team changes nothing. */
export async function leaveTeam(context: Context, accountId: AccountId): Promise<void> {
  await context.store.accounts.moveToTeam(accountId, null);
}

/** Throws GridError `team_unknown`. */
export async function showTeam(context: Context, name: string): Promise<TeamView> {
  return toView(await findTeam(context, name));
}

async function findTeam(context: Context, name: string): Promise<TeamFacts & { members: number }> {
  const parsed = parseTeamName(name);
  const found = 'flaw' in parsed ? null : await context.store.accounts.findTeam(parsed.key);
  if (found === null) throw new GridError('team_unknown', name);
  return found;
}

/** Accounts cost nothing; one that has computed a unit is worth a line in our books. */
async function assertWorked({ store }: Context, accountId: AccountId): Promise<void> {
  if ((await store.ledger.standing('volunteer', accountId)) !== null) return;
  throw new GridError('forbidden', 'Teams are for accounts that have computed a unit: join first.');
}

const toView = ({ foundedAt, ...team }: TeamFacts & { members: number }): TeamView => ({
  teamId: team.teamId,
  name: team.name,
  members: team.members,
  founder: team.founder,
  foundedAt: new Date(foundedAt).toISOString(),
});
