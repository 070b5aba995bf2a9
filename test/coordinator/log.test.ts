import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { openLog } from '../../coordinator/log.ts';

function capture() {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(text, _encoding, done) {
      lines.push(JSON.parse(String(text)));
      done();
    },
  });
  return { lines, destination };
}

test('every line bears the ids of grid and coordinator once they are known, besides its own', () => {
  const { lines, destination } = capture();
  const { log, identify } = openLog('info', destination);
  log.info('starting');
  identify({ gridId: 'g1', coordinatorId: 'c1' });
  log.warn({ hostId: 'h1' }, 'session refused');
  log.child({ reqId: 'req-1' }).error('a request failed');
  expect(lines).toMatchObject([
    { msg: 'starting' },
    { gridId: 'g1', coordinatorId: 'c1', hostId: 'h1', msg: 'session refused' },
    { gridId: 'g1', coordinatorId: 'c1', reqId: 'req-1' },
  ]);
});

test('lines that are logged are counted by level, and those below the level are not', () => {
  const { destination } = capture();
  const { log, linesLogged } = openLog('warn', destination);
  log.info('not logged');
  log.warn('one');
  log.child({ round: 'feed' }).warn('two');
  log.error('three');
  expect(Object.fromEntries(linesLogged)).toEqual({ warn: 2, error: 1 });
});
