/** Who runs the grid, over Redis: in `{grid}`, each step one script, so that all see the same meeting. */
import type { News } from '../domain/news.ts';
import type { PeerFacts } from '../domain/peers.ts';
import { keys } from './keys.ts';
import {
  type Attendance,
  type Meeting,
  newsHeardMax,
  newsKept,
  type PeerStore,
} from './peer-store.ts';
import { RedisPart } from './redis-part.ts';
import { Script } from './script.ts';

const ownGrid = new Script('own-grid');
const disownGrid = new Script('disown-grid');
const meetPeers = new Script('meet-peers');
const leavePeers = new Script('leave-peers');

export class RedisPeers extends RedisPart implements PeerStore {
  async own(coordinatorId: string, forMs: number): Promise<boolean> {
    return (await this.run(ownGrid, [keys.owner, keys.peers], [coordinatorId, forMs])) === 1;
  }

  async disown(coordinatorId: string): Promise<void> {
    await this.run(disownGrid, [keys.owner], [coordinatorId]);
  }

  async meet(attendance: Attendance): Promise<Meeting | null> {
    const { coordinatorId, forMs, facts, news, after, mayLead } = attendance;
    const reply = (await this.run(
      meetPeers,
      [keys.owner, keys.peers, keys.peerFacts, keys.steward, keys.news],
      [
        ...[coordinatorId, forMs, JSON.stringify(facts), after, mayLead ? 1 : 0],
        ...[newsKept, newsHeardMax],
        ...news.map((item) => JSON.stringify(item)),
      ],
    )) as [string, string[], string, [string, string[]][]] | 'owned';
    if (reply === 'owned') return null;
    const [steward, flat, last, entries] = reply;
    const others = new Map<string, PeerFacts>();
    for (let i = 0; i < flat.length; i += 2) {
      const id = flat[i] ?? '';
      if (id !== coordinatorId) others.set(id, JSON.parse(flat[i + 1] ?? '') as PeerFacts);
    }
    const heard = entries.flatMap(([, [, from, , text]]): News[] =>
      from === coordinatorId || text === undefined ? [] : [JSON.parse(text) as News],
    );
    return { isSteward: steward === coordinatorId, others, heard, last };
  }

  async leave(coordinatorId: string): Promise<void> {
    await this.run(leavePeers, [keys.peers, keys.peerFacts, keys.steward], [coordinatorId]);
  }
}
