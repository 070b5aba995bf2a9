import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { isCountry } from '../../protocol/countries.ts';
import { leaderboardSchema } from '../../protocol/http.ts';
import { type Agent, type AgentEnd, openAgent, PlaceUnusable } from '../../worker/agent.ts';
import { openSandbox } from '../../worker/sandbox/node/sandbox-process.ts';
import { badUsage, command, eachUrl, jsonOption, parseUrls, wholeNumber } from '../command.ts';
import { coresHere, defaultCores, parseCores } from '../cores.ts';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { workerFolder } from '../folders.ts';
import { formatCount, formatCredit, formatUnits } from '../format.ts';
import { openHttp } from '../http.ts';
import { type JoinView, openJoinView } from '../join-view.ts';
import { adoptByCode } from '../link.ts';
import { awaitStop } from '../stop-signal.ts';
import { say } from '../terminal.ts';
import { unusableFolder } from '../unusable-folder.ts';
import { workerName } from '../worker-name.ts';

/** Service managers and containers kill ten seconds after SIGTERM; two are left for handing back. */
const drainMsMax = 8000;
/** A rank changes slowly, and the leaderboard is everyone's. */
const rankEveryMs = 60_000;

export const join = () =>
  command('join', 'Lend this machine’s spare cycles to a grid, until Ctrl-C.', [
    'manyhands join https://grid.example.org',
    'manyhands join https://grid.example.org --cores 75% --name amber-otter',
    'manyhands join https://a.example.org,https://b.example.org',
    'manyhands join http://127.0.0.1:7700 --once --json',
  ])
    .argument('<url>', 'the coordinator, or several of one grid: A,B', parseUrls)
    .option('--name <name>', 'what the leaderboard shows (default: made up, and kept)')
    .option('--team <team>', 'the team that the credit counts for')
    .option(
      '--country <code>',
      'where this machine is, like DE: said at its first join',
      parseCountry,
    )
    .option('--code <code>', 'earn for the account whose `manyhands link` showed it')
    .option('--cores <n>', 'how many cores to lend: 2, or 50%', parseCores)
    .addOption(
      new Option('--data <dir>', 'where keys and unreported results are kept').default(
        workerFolder,
        'a folder of yours',
      ),
    )
    .option('--once', 'stop when there has been no work for 5 s')
    .option('--max-units <n>', 'stop after this many units', wholeNumber('--max-units', 1, 1e12))
    .option(
      '--save-every <seconds>',
      'how often long units are saved, where their job allows it',
      wholeNumber('--save-every', 1, 86_400),
      60,
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Without --cores half of the cores are lent, all at the lowest priority.
Of several coordinators one is asked, and when it goes away the next.
Ctrl-C once: what runs is finished first. Twice: it is handed back at once, or
saved where its job allows it; the next join in the same folder goes on with it.
Finished units are never lost; what could not be reported is reported by the
next join in the same folder.`,
    )
    .action(async (url, options) => {
      const dataDir = resolve(options.data);
      const name = await workerName(dataDir, options.name);
      const cores = options.cores ?? parseCores(defaultCores);
      if (options.code !== undefined) await adoptByCode(url, dataDir, options.code, name);
      const view = openJoinView(options.json ?? false);
      say(
        `Joining ${eachUrl(url).join(' or ')} as ${name} with ${cores} of ${coresHere} cores, at low priority.`,
      );
      say(`Keys and results are kept in ${dataDir}. Ctrl-C finishes what runs, then stops.`);
      const agent = openAgent({
        urls: eachUrl(url),
        dataDir,
        name,
        team: options.team ?? null,
        ...(options.country === undefined ? {} : { country: options.country }),
        cores,
        ...(options.once ? { once: true } : {}),
        saveEveryMs: options.saveEvery * 1000,
        ...(options.maxUnits === undefined ? {} : { maxUnits: options.maxUnits }),
        onEvent: (event) => view.event(event),
        openSandbox,
      });
      const rank = followRank(url, agent);
      view.show(agent, rank.now);
      const stop = endInSteps(agent, view);
      const end = await agent.done
        .catch((error) => {
          throw error instanceof PlaceUnusable ? unusableFolder(dataDir, error) : error;
        })
        .finally(() => {
          rank.close();
          view.close();
          stop.close();
        });
      tellEnd(end, url);
    });

function parseCountry(text: string): string {
  const code = text.toUpperCase();
  if (isCountry(code)) return code;
  throw badUsage(
    `"${text}" is no country.`,
    'two letters of ISO 3166-1 are expected',
    'write it like --country DE',
  );
}

/** First signal: finish. Second: hand back. Third: end at once. */
function endInSteps(agent: Agent, view: JoinView) {
  const stop = awaitStop((count) => {
    if (count > 2) process.exit(exitCodes.interrupted);
    view.note('Handing back what runs, or saving it.');
    agent.stop();
  });
  void stop.first.then((signal) => {
    const running = agent.status().running.length;
    if (running > 0) {
      const units = `${formatCount(running)} ${running === 1 ? 'unit' : 'units'}`;
      view.note(`Finishing ${units}… press Ctrl-C again to hand back or save what runs.`);
    }
    agent.finish();
    if (signal !== 'SIGINT') setTimeout(() => agent.stop(), drainMsMax).unref();
  });
  return stop;
}

/** The account's place on the leaderboard, looked up now and then; null until it has one. */
function followRank(url: string, agent: Agent) {
  const http = openHttp(url, null);
  let rank: number | null = null;
  const look = async () => {
    const { accountId } = agent.status();
    if (accountId === null) return;
    const { standings } = await http.ask(leaderboardSchema, '/v1/leaderboard');
    rank = standings.find((standing) => standing.accountId === accountId)?.rank ?? null;
  };
  // A rank is an ornament: whatever keeps it from us is told elsewhere, if it matters.
  const timer = setInterval(() => void look().catch(() => {}), rankEveryMs);
  timer.unref();
  return { now: () => rank, close: () => clearInterval(timer) };
}

function tellEnd(end: AgentEnd, url: string): void {
  if (end.reason === 'team_unknown') {
    throw new Failure('team_unknown', 'The grid has no such team.', {
      why: end.why || 'it did not say more',
      remedy: 'check how it is written, or found it with `manyhands team create NAME`',
    });
  }
  if (end.reason === 'update_required' || end.reason === 'refused') {
    const isOld = end.reason === 'update_required';
    throw new Failure(
      isOld ? 'protocol_unknown' : 'forbidden',
      isOld ? 'The grid speaks another version of the protocol.' : `The grid at ${url} refuses us.`,
      {
        why: end.why || 'it did not say more',
        remedy: isOld ? 'update manyhands and join again' : 'do what it says, or ask its operator',
      },
    );
  }
  if (end.reason === 'unreachable') {
    throw new Failure('unreachable', `No coordinator answers at ${url}.`, {
      why: end.why || 'nothing was heard for half a minute',
      remedy: 'check the address, and that the coordinator runs',
    });
  }
  const total =
    end.creditMicro === null ? '' : ` You have ${formatCredit(end.creditMicro)} credits.`;
  say(`${formatUnits(end.finished)} this time.${total}`);
  if (end.saved > 0) {
    const units = end.saved === 1 ? 'unit is' : 'units are';
    say(`${formatCount(end.saved)} ${units} saved here; the next join in this folder goes on.`);
  }
  say(
    end.unreported > 0
      ? `${formatCount(end.unreported)} results are safe here and reported at the next join. Thank you!`
      : 'Nothing was lost. Thank you!',
  );
}
