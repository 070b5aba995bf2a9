/**
 * When a command that runs for long is to end: at Ctrl-C, at SIGTERM, or when whoever started it with
 * a channel is gone, however it died, so that the demo never leaves anything behind.
 */
import { exitCodes } from './exit-codes.ts';

/** SIGHUP: the terminal was closed. */
const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export type StopSignal = {
  /** Resolves with the first reason to stop. */
  first: Promise<NodeJS.Signals | 'orphaned'>;
  /** Stops listening, so that the next signal ends the process as usual. */
  close(): void;
};

/** `again` is called at every signal after the first, with how many there have been. */
export function awaitStop(again: (count: number) => void = endNow): StopSignal {
  let count = 0;
  let resolve: (reason: NodeJS.Signals | 'orphaned') => void = () => {};
  const first = new Promise<NodeJS.Signals | 'orphaned'>((settle) => {
    resolve = settle;
  });
  const stop = (reason: NodeJS.Signals | 'orphaned') => {
    count++;
    if (count === 1) resolve(reason);
    else if (reason !== 'orphaned') again(count);
  };
  const orphaned = () => stop('orphaned');
  for (const signal of signals) process.on(signal, stop);
  process.on('disconnect', orphaned);
  // Gone before we listened. Without a channel `connected` is undefined.
  if (process.connected === false) orphaned();
  return {
    first,
    close: () => {
      for (const signal of signals) process.off(signal, stop);
      process.off('disconnect', orphaned);
    },
  };
}

function endNow(): void {
  process.exit(exitCodes.interrupted);
}
