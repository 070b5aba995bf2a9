/**
 * What a volunteer sees while they lend their machine. On a terminal one line is redrawn: what runs
 * and how far it is, what was earned, and if nothing runs, why. In a pipe or a log there is a line
 * when something changes and one every half minute; with --json every event is a line of JSON.
 */
import type { Agent, AgentEvent } from '../worker/agent.ts';
import { formatCount, formatCredit, formatSeconds, formatUnits } from './format.ts';
import { tellReason } from './tell-reason.ts';
import { isLive, onStderr, plainText, printJson, say } from './terminal.ts';

export type JoinView = {
  event(event: AgentEvent): void;
  /** Begins to show this agent. */
  show(agent: Agent, rank: () => number | null): void;
  /** A line that stays. */
  note(text: string): void;
  close(): void;
};

/** Five times a second looks alive; where it is no terminal, two lines a minute tell enough. */
const redrawEveryMs = 200;
const logEveryMs = 30_000;
/** Idle at two looks in a row is news. The moment between two leases is not. */
const idleLookMs = 1000;
/** More running units than this do not fit beside the totals. */
const unitsShownMax = 2;

export function openJoinView(json: boolean): JoinView {
  if (json) return { event: printJson, show: () => {}, note: say, close: () => {} };
  return isLive(process.stderr) ? liveView() : plainView();
}

function liveView(): JoinView {
  let timer: NodeJS.Timeout | undefined;
  let redraw = () => {};
  const erase = () => process.stderr.write('\r\x1b[K');
  const note = (text: string) => {
    erase();
    say(text);
    redraw();
  };
  return {
    note,
    event(event) {
      const text = newsOf(event);
      if (text !== null) note(text);
    },
    show(agent, rank) {
      let frame = 0;
      redraw = () => {
        const columns = (process.stderr.columns || 80) - 1;
        process.stderr.write(`\r${drawLine(agent, rank(), frame, columns)}\x1b[K`);
      };
      timer = setInterval(() => {
        frame++;
        redraw();
      }, redrawEveryMs);
    },
    close() {
      clearInterval(timer);
      redraw = () => {};
      erase();
    },
  };
}

function plainView(): JoinView {
  const timers: NodeJS.Timeout[] = [];
  const stamped = (text: string) => say(`${new Date().toISOString().slice(0, 19)}Z ${text}`);
  let last = '';
  let idleFor: string | null = null;
  return {
    note: stamped,
    event(event) {
      const text = newsOf(event) ?? workOf(event);
      if (text !== null && text !== last) stamped(text);
      last = text ?? last;
    },
    show(agent, rank) {
      const tellIdle = () => {
        const { reason } = agent.status();
        const why = reason.kind === 'no_work' ? reason.why : null;
        if (why !== null && why === idleFor && why !== last) {
          stamped(tellReason(reason));
          last = why;
        }
        idleFor = why;
      };
      const tellTotals = () =>
        stamped(`${totals(agent, rank())}, ${tellReason(agent.status().reason)}`);
      timers.push(setInterval(tellIdle, idleLookMs), setInterval(tellTotals, logEveryMs));
    },
    close: () => timers.forEach(clearInterval),
  };
}

const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

function drawLine(agent: Agent, rank: number | null, frame: number, columns: number): string {
  const { running, reason } = agent.status();
  const shown = running.slice(0, unitsShownMax).map(({ jobName, unit, elapsedMs, progress }) => {
    const far =
      progress === null ? formatSeconds(elapsedMs / 1000) : `${Math.floor(progress * 100)}%`;
    return `${plainText(jobName).slice(0, 20)} #${unit} ${far}`;
  });
  if (running.length > unitsShownMax) shown.push(`${running.length - unitsShownMax} more`);
  const isWorking = running.length > 0;
  const sign = isWorking ? (spinner[frame % spinner.length] ?? '') : '·';
  const doing = isWorking ? shown.join(', ') : plainText(tellReason(reason));
  // Totals stay in place, on the left; what runs changes with every unit and may be cut off.
  const line = `${sign} ${totals(agent, rank)}  ${doing}`;
  const cut = [...line].slice(0, columns).join('');
  return isWorking ? cut : onStderr.yellow(cut);
}

function totals(agent: Agent, rank: number | null): string {
  const { units, creditMicro, finished } = agent.status();
  const place = rank === null ? '' : ` · rank ${formatCount(rank)}`;
  return `${formatUnits(units ?? finished)} · ${formatCredit(creditMicro ?? '0')} credits${place}`;
}

const notNeeded: Record<Extract<AgentEvent, { type: 'cancelled' }>['reason'], string> = {
  job_cancelled: 'the job was cancelled',
  job_paused: 'the job is paused',
  unit_decided: 'others were first',
  lease_expired: 'others have them now',
  not_held: 'others have them now',
};

/** What is worth a line of its own wherever it happens. */
function newsOf(event: AgentEvent): string | null {
  switch (event.type) {
    case 'connected':
      return event.isNewAccount && event.units === 0
        ? `Connected to ${event.url}; your new account is ${event.accountId}.`
        : `Connected to ${event.url}; ${formatUnits(event.units)} so far.`;
    case 'disconnected': {
      const { url, nextUrl } = event;
      const [to, next] =
        nextUrl === url ? ['', 'trying again'] : [` to ${url}`, `asking ${nextUrl}`];
      return `No connection${to} (${plainText(event.why)}); ${next}. Finished units are safe.`;
    }
    case 'started':
      return event.fuelBefore === 0
        ? null
        : `Unit ${event.unit} of ${plainText(event.jobName)} goes on from where it was saved.`;
    case 'cancelled':
      return `${formatUnits(event.units)} not needed any more: ${notNeeded[event.reason]}.`;
    case 'notice':
      return `The coordinator says: ${plainText(event.text)}`;
    case 'trouble':
      return `Trouble: ${plainText(event.text)}`;
    default:
      return null;
  }
}

/** What a terminal shows in its line anyway. */
const workOf = (event: AgentEvent): string | null =>
  event.type === 'lease' ? `Working on ${plainText(event.jobName)}.` : null;
