/**
 * meet: this coordinator tells the others of its grid that it is there, how it stands and what happened, and hears the
 * same of them. Whoever does not come for some seconds is taken for dead; so another is steward soon.
 */
import type { News } from '../domain/news.ts';
import type { PeerFacts } from '../domain/peers.ts';
import type { Present } from '../domain/trust/closing.ts';
import type { Context } from './context.ts';

/** Of a dead steward nobody pays for so long. A coordinator that hangs longer has lost its shards as well. */
const presentMs = 5000;
/** Closing a job asks whether anybody could check it: one of each kind is enough to say so. */
const presentMax = 64;
/** The jobs that a coordinator is at; of more than that what is running is told without it. */
const jobsMax = 256;

type MeetContext = Pick<Context, 'store' | 'peers' | 'window' | 'paces' | 'now'>;

/** What is connected here. */
export type Here = Pick<PeerFacts, 'hosts' | 'machines' | 'isHungry'> & { present: Present[] };

/** Null when a coordinator that shares with nobody runs the grid. */
export async function meet(
  context: MeetContext,
  coordinatorId: string,
  here: Here,
): Promise<News[] | null> {
  const { store, peers, now } = context;
  const [news, at] = [peers.take(), now()];
  try {
    const meeting = await store.peers.meet({
      coordinatorId,
      forMs: presentMs,
      facts: factsOf(context, here),
      news,
      after: peers.heardUpTo,
      mayLead: true,
    });
    if (meeting === null) return null;
    peers.met(meeting, at, at + presentMs);
    return meeting.heard;
  } catch (error) {
    // Whether it was heard is not known, and to hear it twice does no harm.
    for (const one of news) peers.tell(one);
    throw error;
  }
}

function factsOf({ window, paces, now }: MeetContext, here: Here): PeerFacts {
  const kinds = new Map(here.present.map((one) => [`${one.accountId} ${one.repute}`, one]));
  const jobIds = new Set([...window.jobIds, ...window.checkedJobIds]);
  const jobs = [...jobIds].slice(0, jobsMax).map((jobId): PeerFacts['jobs'][number] => {
    const unitsPerSecond = paces.get(jobId)?.unitsPerSecond(now()) ?? 0;
    const [running, checking] = [window.running(jobId), window.checking(jobId)];
    return [jobId, { running, checking, unitsPerSecond }];
  });
  return { ...here, present: [...kinds.values()].slice(0, presentMax), jobs };
}
