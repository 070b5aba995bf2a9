import type { Standing } from '../../protocol/http.ts';
import { command, jsonOption, urlOption } from '../command.ts';
import { formatCount, formatCredit } from '../format.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { printJson, say } from '../terminal.ts';

export const leaderboard = () =>
  command('leaderboard', 'Show who has earned how much credit.', [
    'manyhands leaderboard',
    'manyhands leaderboard --teams --recent',
    'manyhands leaderboard --url https://grid.example.org --json',
  ])
    .option('--teams', 'of teams: what their members earned while they were in them')
    .option('--countries', 'of countries: what hosts earned that have said theirs')
    .option('--recent', 'by what was earned lately: a week ago counts half')
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const grid = openGrid(options);
      const by = options.recent ? 'recent' : 'total';
      const standings = options.countries
        ? (await grid.countryStandings(by)).map((row) => ({ ...row, name: row.country }))
        : await (options.teams ? grid.teamStandings(by) : grid.standings(by));
      if (options.json) {
        printJson(standings);
        return;
      }
      if (standings.length === 0) {
        say(nobody(options));
        return;
      }
      printTable<Omit<Standing, 'accountId'>>(standings, [
        { title: 'RANK', align: 'right', cell: (row) => String(row.rank) },
        { title: 'NAME', cell: (row) => row.name },
        { title: 'CREDIT', align: 'right', cell: (row) => formatCredit(row.creditMicro) },
        { title: 'A DAY', align: 'right', cell: (row) => formatCredit(row.rac) },
        { title: 'UNITS', align: 'right', cell: (row) => formatCount(row.units) },
      ]);
    });

function nobody(options: { teams?: true; countries?: true; url: string }): string {
  if (options.countries)
    return `No host that says its country has earned credit yet: manyhands join ${options.url} --country CODE`;
  if (options.teams) return 'No team has earned credit yet. Found one: manyhands team create NAME';
  return `Nobody has earned credit yet. Be the first: manyhands join ${options.url}`;
}
