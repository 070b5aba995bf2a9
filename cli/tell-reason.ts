/** Why a worker does what it does, in words: one line always answers what it waits for, and how long. */
import type { Reason } from '../worker/status.ts';
import { formatSeconds } from './format.ts';

export function tellReason(reason: Reason): string {
  switch (reason.kind) {
    case 'working':
      return 'working';
    case 'starting':
      return 'connecting';
    case 'asking':
      return 'asking for work';
    case 'no_work':
      return `no work: ${noWork[reason.why]}${workIn(reason.retryInMs)}`;
    case 'fetching':
      return 'downloading a kernel or its inputs';
    case 'paused':
      return 'paused';
    case 'coordinator_unreachable':
      return `the coordinator does not answer (${reason.why})${tryIn(reason.retryInMs)}`;
    case 'reporting':
      return 'waiting for the coordinator to record results';
    case 'disk_full':
      return `this disk takes nothing more (${reason.why})`;
    case 'host_trouble':
      return `runs fail on this machine (${reason.why})`;
    case 'finishing':
      return 'finishing';
    case 'update_required':
      return `this version is too old for the grid: ${reason.why}`;
    case 'refused':
      return `the grid refuses this worker: ${reason.why}`;
    case 'team_unknown':
      return `the grid has no such team: ${reason.why}`;
    case 'stopped':
      return 'stopped';
    default:
      return unreachable(reason);
  }
}

const noWork: Record<Extract<Reason, { kind: 'no_work' }>['why'], string> = {
  no_jobs: 'the grid has no open job',
  nothing_left: 'no unit waits for a volunteer',
  too_small: 'the jobs need more memory or cores than are lent here',
  lacks_feature: 'the jobs use something of WebAssembly that this machine cannot do',
  tried_before: 'what is left failed here before, and others are to try it first',
  enough_in_hand: 'as many units as this machine may have are in hand',
  backing_off: 'runs failed here one after the other, and the grid waits with more',
  quarantined: 'results from here were proven wrong, and the grid gives out no work for a while',
  draining: 'the coordinator is about to restart',
  storage: 'the coordinator cannot store results at the moment',
  strained: 'the coordinator has more to do than it can, and hands out more in a moment',
};

const tryIn = (retryInMs: number | null): string =>
  retryInMs === null ? ', trying' : `, next try in ${formatSeconds(Math.ceil(retryInMs / 1000))}`;

/** Without a time, the coordinator tells the moment there is something. */
const workIn = (retryInMs: number | null): string =>
  retryInMs === null ? '; it begins by itself when one does' : tryIn(retryInMs);

function unreachable(reason: never): never {
  throw new Error(`no words for ${JSON.stringify(reason)}`);
}
