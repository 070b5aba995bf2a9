/**
 * A job's progress on stderr. On a terminal one line is redrawn, at most ten times a second:
 *
 *   mersenne-4500 ██████████▒▒······ 61%  374 done · 8 running · 227 waiting  118/s  ETA 2–3 s
 *
 * done, running and failed are segments of the bar with signs of their own, so nothing depends on
 * colour. In a pipe or a log it is a plain line at first, one for every tenth done, and one every 30 s,
 * since silence in a log reads as a hang.
 */
import type { JobView } from '../protocol/http.ts';
import { formatCount, formatEta, formatRate, percentOf } from './format.ts';
import { isLive, onStderr, plainText, say } from './terminal.ts';

export type Progress = Pick<
  JobView,
  'name' | 'units' | 'canonical' | 'failed' | 'running' | 'waiting' | 'unitsPerSecond' | 'eta'
>;

/** A bar moves smoothly at ten a second. In a log: at each tenth, and so that it never seems dead. */
const redrawEveryMs = 100;
const logEveryMs = 30_000;
const logEveryPercent = 10;

export type ProgressBar = {
  show(progress: Progress): void;
  /** Why nothing moves, in place of the numbers, until the next `show`. */
  note(text: string): void;
  /** Leaves the line as it stands and lets others write below it. */
  close(): void;
};

export const openProgressBar = (): ProgressBar =>
  isLive(process.stderr) ? liveBar() : plainLines();

function liveBar(): ProgressBar {
  let drawnAt = 0;
  let late: NodeJS.Timeout | undefined;
  let line = '';
  const draw = () => {
    late = undefined;
    drawnAt = Date.now();
    process.stderr.write(`\r${line}\x1b[K`);
  };
  const set = (text: string) => {
    line = text;
    late ??= setTimeout(draw, Math.max(0, drawnAt + redrawEveryMs - Date.now()));
  };
  const columns = () => (process.stderr.columns || 80) - 1;
  return {
    show: (progress) => set(drawProgress(progress, columns())),
    note: (text) => set(onStderr.yellow(text.slice(0, columns()))),
    close() {
      clearTimeout(late);
      if (line === '') return;
      draw();
      process.stderr.write('\n');
      line = '';
    },
  };
}

function plainLines(): ProgressBar {
  let saidAt = 0;
  let saidPercent = 0;
  let noted = '';
  const stamp = () => new Date().toISOString().replace(/\.\d+/, '');
  return {
    show(progress) {
      noted = '';
      const { units, canonical, failed, eta } = progress;
      const percent = percentOf(canonical + failed, units);
      if (percent < saidPercent + logEveryPercent && Date.now() < saidAt + logEveryMs) return;
      saidAt = Date.now();
      saidPercent = percent - (percent % logEveryPercent);
      const left = eta === null ? '' : ` eta=${formatEta(eta).replace(' ', '')}`;
      say(
        `${stamp()} ${percent}% ${canonical + failed}/${units} ok=${canonical} failed=${failed}${left}`,
      );
    },
    note(text) {
      if (text !== noted) say(`${stamp()} ${text}`);
      noted = text;
    },
    close() {},
  };
}

/** Wide enough to see a percent or two; it stays the same, so that nothing jumps. */
const barCells = 24;
const barCellsMin = 8;

/** The line, no wider than `columns`; what matters least is left out first. */
export function drawProgress(progress: Progress, columns: number): string {
  const { units, canonical, failed, running, waiting, unitsPerSecond, eta } = progress;
  const percent = `${String(percentOf(canonical + failed, units)).padStart(3)}%`;
  const lost = failed > 0 ? ` · ${formatCount(failed)} failed` : '';
  const done = `${percent}  ${formatCount(canonical)} done${lost}`;
  const busy = ` · ${formatCount(running)} running`;
  const pace = `  ${formatRate(unitsPerSecond)}/s  ETA ${formatEta(eta)}`;
  const tails = [
    `${done}${busy} · ${formatCount(waiting)} waiting${pace}`,
    `${done}${busy}${pace}`,
    `${done}  ETA ${formatEta(eta)}`,
    percent,
  ];
  if (canonical + failed === units) tails.unshift(done);
  const name = plainText(progress.name).slice(0, 24);
  const room = (tail: string) => columns - name.length - 2 - tail.length;
  const tail = tails.find((candidate) => room(candidate) >= barCells) ?? percent;
  const cells = Math.min(barCells, room(tail));
  return cells < barCellsMin
    ? `${name} ${percent}`.slice(-columns)
    : `${name} ${drawSegments(progress, cells)} ${tail}`;
}

function drawSegments({ units, canonical, failed, running }: Progress, cells: number): string {
  const part = (count: number) => Math.round((count / Math.max(1, units)) * cells);
  const lost = failed > 0 ? Math.max(1, part(failed)) : 0;
  const done = Math.max(0, Math.min(cells - lost, part(canonical + failed) - lost));
  const busy = Math.min(cells - lost - done, running > 0 ? Math.max(1, part(running)) : 0);
  const { green, red, yellow, dim } = onStderr;
  return [
    green('█'.repeat(done)),
    yellow('▒'.repeat(busy)),
    red('×'.repeat(lost)),
    dim('·'.repeat(cells - lost - done - busy)),
  ].join('');
}
