/** A log that takes nothing for granted: an error, or a warning that no fault explains, is a bug of ours. */
import { type Logger, pino } from 'pino';
import type { Violations } from './violations.ts';

/** What the faults of a simulation come to: the store's two errors, and BullMQ's own when Redis refuses. */
const explained = /OutcomeUnknown|StorageRefuses|MISCONF/;
const expected: ReadonlySet<string> = new Set([
  // Some hosts are broken, and checks find them.
  'results were proven wrong',
  // A coordinator died between the two places where a round is noted.
  'no artifact is cleared: a grid with another Redis does so here, which may be newer',
]);
/** pino's number for it. */
const errorLevel = 50;

type Line = { level: number; msg: string; err?: { type: string; message: string; stack: string } };

export function strictLog(violations: Violations, tell: (text: string) => void): Logger {
  const write = (text: string) => {
    const { level, err, msg } = JSON.parse(text) as Line;
    tell(`${msg}: ${err?.message}`);
    const isFault = explained.test(`${err?.type} ${err?.message}`);
    const isExplained = level < errorLevel && (isFault || expected.has(msg));
    violations.unless(isExplained, 'log', () => `${msg}: ${err?.stack}`);
  };
  return pino({ level: 'warn', base: null, timestamp: false }, { write });
}
