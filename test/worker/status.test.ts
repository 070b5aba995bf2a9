import { expect, test } from 'vitest';
import { type Facts, reasonOf } from '../../worker/status.ts';

const idle: Facts = {
  over: null,
  isPaused: false,
  isFinishing: false,
  running: 0,
  lostBecause: null,
  connected: true,
  retryInMs: null,
  diskError: null,
  hostTrouble: null,
  isFetching: false,
  hasRoom: true,
  noWork: null,
};
const unreachable = { connected: false, lostBecause: 'ECONNREFUSED', retryInMs: 800 };
const noWork = { reason: 'nothing_left', retryInMs: null } as const;

test.each<[string, Partial<Facts>, object]>([
  ['a unit runs', { running: 1 }, { kind: 'working' }],
  ['nothing was heard yet', { connected: false }, { kind: 'starting' }],
  [
    'the coordinator is away',
    unreachable,
    { kind: 'coordinator_unreachable', why: 'ECONNREFUSED', retryInMs: 800 },
  ],
  [
    'it works on what it has while the coordinator is away',
    { ...unreachable, running: 2 },
    { kind: 'working' },
  ],
  ['inputs come', { isFetching: true }, { kind: 'fetching' }],
  ['there is no work', { noWork }, { kind: 'no_work', why: 'nothing_left', retryInMs: null }],
  ['the question is on its way', {}, { kind: 'asking' }],
  [
    'it had enough when it was told so, and that was cancelled',
    { noWork: { reason: 'enough_in_hand', retryInMs: null } },
    { kind: 'asking' },
  ],
  ['too many results wait', { hasRoom: false }, { kind: 'reporting' }],
  ['the disk is full', { diskError: 'ENOSPC', noWork }, { kind: 'disk_full', why: 'ENOSPC' }],
  ['runs fail here', { hostTrouble: 'no threads' }, { kind: 'host_trouble', why: 'no threads' }],
  ['a person paused it, whatever else', { isPaused: true, ...unreachable }, { kind: 'paused' }],
  ['it is finishing', { isFinishing: true, running: 2 }, { kind: 'finishing' }],
  [
    'the grid refused it',
    { over: { kind: 'refused', why: 'banned' }, isFinishing: true },
    { kind: 'refused', why: 'banned' },
  ],
])('%s', (_what, facts, reason) => {
  expect(reasonOf({ ...idle, ...facts })).toEqual(reason);
});
