/**
 * Who runs the grid: one coordinator that owns it, or several that share their folder, meet here some times a second,
 * and tell each other what happened. A part of the store, with the promise of store.ts. Whoever does not come for a
 * while is taken for dead, by the store's own clock.
 */
import type { News } from '../domain/news.ts';
import type { PeerFacts } from '../domain/peers.ts';

export type Attendance = {
  coordinatorId: string;
  /** Without coming again it is taken for dead after so long, and is steward no more. */
  forMs: number;
  facts: PeerFacts;
  news: readonly News[];
  /** `last` of its last meeting; '' at the first. */
  after: string;
  /** Whether it takes the stewardship when nobody has it. */
  mayLead: boolean;
};

export type Meeting = {
  isSteward: boolean;
  /** All others that are there. */
  others: ReadonlyMap<string, PeerFacts>;
  /** What the others told since its last meeting. */
  heard: News[];
  last: string;
};

/** News kept for those who come late: a minute or two of a busy grid, some megabytes. Who hung longer has lost its shards. */
export const newsKept = 1024;
/** In one meeting; the rest is heard in the next. */
export const newsHeardMax = 512;

export interface PeerStore {
  /** Makes this coordinator the grid's only one for a while. False when another one is there. */
  own(coordinatorId: string, forMs: number): Promise<boolean>;
  disown(coordinatorId: string): Promise<void>;
  /** Null when the grid is owned by one that shares with nobody. What is told twice is heard twice. */
  meet(attendance: Attendance): Promise<Meeting | null>;
  /** It comes no more: the stewardship is free at once. */
  leave(coordinatorId: string): Promise<void>;
}
