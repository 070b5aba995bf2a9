/** What a coordinator knows of the others: who leads, who is gone, and since when it has heard nothing. */
import { expect, test } from 'vitest';
import { type PeerFacts, Peers } from '../../../coordinator/domain/peers.ts';

const facts: PeerFacts = { hosts: 0, machines: [], present: [], jobs: [], isHungry: false };
const meeting = (others: string[], isSteward = false) => ({
  isSteward,
  others: new Map(others.map((id) => [id, facts])),
  last: '0-0',
});
/** It meets these at these times, and is steward for five seconds each time if it is. */
function metAt(peers: Peers, at: number, others: string[], isSteward = false): void {
  peers.met(meeting(others, isSteward), at, at + 5000);
}

test('one that came and has not come for a second is dead, and told once', () => {
  const peers = new Peers();
  metAt(peers, 0, ['b', 'c']);
  metAt(peers, 300, ['c']);
  expect(peers.takeDead(1200)).toEqual([]);
  expect(peers.takeDead(1300)).toEqual(['b']);
  expect(peers.takeDead(5000)).toEqual([]);
  expect(peers.count).toBe(2);
});

test('[O6] when Redis stood still, who comes first takes nobody for dead that comes right after', () => {
  const peers = new Peers();
  metAt(peers, 0, ['b', 'c']);
  metAt(peers, 8000, []);
  metAt(peers, 8300, ['b']);
  metAt(peers, 8600, ['b', 'c']);
  expect(peers.takeDead(20_000)).toEqual([]);
});

test('a clock that was set back keeps nobody alive', () => {
  const peers = new Peers();
  metAt(peers, 3_600_000, ['b']);
  metAt(peers, 3_600_300, []);
  expect(peers.takeDead(0)).toEqual(['b']);
});

test('how often it became the steward is counted, and how long it has heard nothing', () => {
  const peers = new Peers();
  for (const at of [0, 300, 600]) metAt(peers, at, ['b'], true);
  metAt(peers, 900, ['b'], false);
  metAt(peers, 1200, ['b'], true);
  expect(peers.stewardships).toBe(2);
  expect(peers.unheardMs(4200)).toBe(3000);
});

test('whoever is alone leads, and has nobody to hear', () => {
  const peers = Peers.alone();
  expect([peers.isSteward(1e15), peers.count, peers.unheardMs(1e15)]).toEqual([true, 1, 0]);
});
