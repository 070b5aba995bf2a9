/**
 * The coordinator's log: a line of JSON each on stderr. Every line says which grid and which coordinator
 * it is of, so that the lines of several can go to one place; what it is about has its id in a field of
 * its own (hostId, jobId, shard, partition, reqId). No secret is ever in a line.
 *
 * Lines are counted by level: whoever watches the coordinator learns that there is something to read.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

export type CoordinatorLog = {
  log: Logger;
  /** From now on every line bears these; the grid's id is known after Redis is. */
  identify(ids: Record<string, string>): void;
  linesLogged: ReadonlyMap<string, number>;
};

export function openLog(
  level = 'info',
  destination: DestinationStream = pino.destination(2),
): CoordinatorLog {
  const linesLogged = new Map<string, number>();
  let ids: Record<string, string> = {};
  const log = pino(
    {
      level,
      mixin(_object, number) {
        const name = pino.levels.labels[number] ?? 'other';
        linesLogged.set(name, (linesLogged.get(name) ?? 0) + 1);
        return { ...ids };
      },
    },
    destination,
  );
  return {
    log,
    identify(known) {
      ids = known;
    },
    linesLogged,
  };
}
