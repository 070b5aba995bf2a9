/** What every store promises of coordinators that share a grid. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { News } from '../../../coordinator/domain/news.ts';
import type { Attendance, PeerStore } from '../../../coordinator/store/peer-store.ts';
import { type OpenStore, withStore } from './arrange.ts';

const facts = { hosts: 0, machines: [], present: [], jobs: [], isHungry: false };
const coming = (coordinatorId: string, parts: Partial<Attendance> = {}): Attendance => ({
  coordinatorId,
  forMs: 60_000,
  facts,
  news: [],
  after: '',
  mayLead: true,
  ...parts,
});
async function met(peers: PeerStore, attendance: Attendance) {
  const meeting = await peers.meet(attendance);
  if (meeting === null) throw new Error('nobody owns the grid');
  return meeting;
}

export function peerContract(open: OpenStore): void {
  it(
    'whoever comes first is steward, until it leaves',
    withStore(open, async ({ peers }) => {
      expect((await met(peers, coming('c1', { mayLead: false }))).isSteward).toBe(false);
      expect((await met(peers, coming('c1'))).isSteward).toBe(true);
      expect((await met(peers, coming('c2'))).isSteward).toBe(false);
      await peers.leave('c1');
      const meeting = await met(peers, coming('c2'));
      expect(meeting.isSteward).toBe(true);
      expect(meeting.others.size).toBe(0);
    }),
  );

  it(
    'whoever does not come again is neither there nor steward after its time',
    withStore(open, async ({ peers }) => {
      expect((await met(peers, coming('c1', { forMs: 20 }))).isSteward).toBe(true);
      await wait(30);
      const meeting = await met(peers, coming('c2'));
      expect(meeting.isSteward).toBe(true);
      expect([...meeting.others.keys()]).toEqual([]);
    }),
  );

  it(
    'each hears what the others told since its last meeting, in order, and what they say of themselves',
    withStore(open, async ({ peers }) => {
      const told = (jobId: string): News => ({ kind: 'job_cancelled', jobId });
      await met(peers, coming('c1', { news: [told('j0')] }));
      // What was told before it came concerns what it has read by then.
      const first = await met(peers, coming('c2', { news: [told('j1')] }));
      expect(first.heard).toEqual([]);
      expect(first.others.get('c1')).toEqual(facts);
      await met(peers, coming('c1', { news: [told('j2'), told('j3')], after: first.last }));
      const own = { ...facts, hosts: 7 };
      const second = await met(peers, coming('c2', { after: first.last, facts: own }));
      expect(second.heard).toEqual([told('j2'), told('j3')]);
      const third = await met(peers, coming('c2', { after: second.last }));
      expect(third.heard).toEqual([]);
      const other = await met(peers, coming('c1'));
      expect(other.others.get('c2')?.hosts).toBe(0);
    }),
  );

  it(
    'a grid is owned by one, or shared by several',
    withStore(open, async ({ peers }) => {
      expect(await peers.own('c1', 60_000)).toBe(true);
      expect(await peers.meet(coming('c2'))).toBeNull();
      // It was started again, and shares from now on.
      expect(await peers.meet(coming('c1'))).not.toBeNull();
      expect(await peers.meet(coming('c2'))).not.toBeNull();
      expect(await peers.own('c3', 60_000)).toBe(false);
      await peers.leave('c1');
      await peers.leave('c2');
      expect(await peers.own('c3', 60_000)).toBe(true);
    }),
  );
}
