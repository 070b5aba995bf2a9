/** Who runs the grid, in memory: see memory-store.ts. */
import type { News } from '../domain/news.ts';
import type { PeerFacts } from '../domain/peers.ts';
import {
  type Attendance,
  type Meeting,
  newsHeardMax,
  newsKept,
  type PeerStore,
} from './peer-store.ts';

export class MemoryPeers implements PeerStore {
  private readonly now: () => number;
  private owner: string | null = null;
  private readonly peers = new Map<string, { until: number; facts: string }>();
  private steward: { id: string; until: number } | null = null;
  private news: { number: number; from: string; text: string }[] = [];
  private told = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Ownership does not run out here: whoever simulates a death gives it free. */
  async own(coordinatorId: string): Promise<boolean> {
    this.forgetDead();
    if (this.peers.size > 0) return false;
    this.owner ??= coordinatorId;
    return this.owner === coordinatorId;
  }

  async disown(coordinatorId: string): Promise<void> {
    if (this.owner === coordinatorId) this.owner = null;
  }

  async meet({ coordinatorId, forMs, facts, ...talk }: Attendance): Promise<Meeting | null> {
    if (this.owner !== null && this.owner !== coordinatorId) return null;
    this.owner = null;
    this.forgetDead();
    const until = this.now() + forMs;
    this.peers.set(coordinatorId, { until, facts: JSON.stringify(facts) });
    for (const item of talk.news) {
      this.news.push({ number: ++this.told, from: coordinatorId, text: JSON.stringify(item) });
    }
    this.news = this.news.slice(-newsKept);
    const isFree = this.steward === null && talk.mayLead;
    if (isFree || this.steward?.id === coordinatorId) this.steward = { id: coordinatorId, until };
    const after = talk.after === '' ? this.told : Number(talk.after);
    const heard = this.news.filter(({ number }) => number > after).slice(0, newsHeardMax);
    const others = [...this.peers].filter(([id]) => id !== coordinatorId);
    return {
      isSteward: this.steward?.id === coordinatorId,
      others: new Map(others.map(([id, peer]) => [id, JSON.parse(peer.facts) as PeerFacts])),
      heard: heard
        .filter(({ from }) => from !== coordinatorId)
        .map(({ text }) => JSON.parse(text) as News),
      last: String(heard.at(-1)?.number ?? after),
    };
  }

  async leave(coordinatorId: string): Promise<void> {
    this.peers.delete(coordinatorId);
    if (this.steward?.id === coordinatorId) this.steward = null;
  }

  private forgetDead(): void {
    for (const [id, { until }] of this.peers) if (until <= this.now()) this.peers.delete(id);
    if (this.steward !== null && this.steward.until <= this.now()) this.steward = null;
  }
}
