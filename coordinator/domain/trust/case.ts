/**
 * The case of a unit: who has testified to what, and whether that is enough. Audits, audits of audits,
 * re-verifications, quorums of two and referees are one thing here: an answer needs so many accounts
 * behind it (`wanted`), and whatever makes it doubtful raises that number or takes a backer away.
 *
 *                     enough accounts agree
 *        wanting ─────────────────────────────► settled
 *           ▲  │                                 │  ▲
 *           │  │ answers differ     a backer is  │  │ an anchor speaks, or
 *           │  └──────────► disputed discounted  │  │ one answer leads by two
 *           │                  ▲ │               │  │
 *           │                  │ └───────────────┼──┘
 *           └──────────────────┴─────────────────┘
 *
 * Two testimonies of one account never count together [W4].
 */
import type { AccountId, HostId } from '../../../protocol/ids.ts';
import type { Assurance } from './assurance.ts';
import { networkAtA3 } from './network.ts';

export type Testimony = {
  hostId: HostId;
  accountId: AccountId;
  network: string;
  /** Equal for results that agree (compare.ts). */
  answer: string;
  isAnchor: boolean;
  /**
   * `discounted`: its host was proven wrong elsewhere, so it backs nothing; what it said may be right.
   * `passed` and `wrong`: as it was when the case was settled, so that nothing is counted twice.
   */
  status: 'heard' | 'passed' | 'discounted' | 'wrong';
};

export type Case = { assurance: Assurance; wanted: number; testimonies: Testimony[] };

export type Ruling =
  /** The canonical answer, and who is to be told that it passed or was proven wrong by it. */
  | { kind: 'settled'; answer: string; passed: Testimony[]; wrong: Testimony[] }
  | { kind: 'wanting' }
  | { kind: 'disputed' }
  /** Two anchors differ: the runtime or the kernel is not deterministic. Nobody is to blame. */
  | { kind: 'incident' };

/** By how many accounts an answer must lead in a grid whose anchors do not come. */
const leadToSettle = 2;

/** What the testimonies come to. Marks those of a settled case. */
export function rule({ assurance, wanted, testimonies }: Case): Ruling {
  if (testimonies.length === 1 && wanted > 1) return { kind: 'wanting' };
  const standing = testimonies.filter(({ status }) => status !== 'wrong');
  const [first] = standing;
  if (first === undefined) return { kind: 'wanting' };
  const anchored = new Set(standing.filter(({ isAnchor }) => isAnchor).map(({ answer }) => answer));
  if (anchored.size > 1) return { kind: 'incident' };
  if (standing.every(({ answer }) => answer === first.answer)) {
    const isEnough =
      backing(standing, first.answer, assurance) >= wanted &&
      (anchored.size === 1 || !assurance.needsAnchor);
    return isEnough ? settle(testimonies, first.answer) : { kind: 'wanting' };
  }
  const [truth] = anchored;
  if (truth !== undefined) return settle(testimonies, truth);
  const [leader, second] = [...new Set(standing.map(({ answer }) => answer))]
    .map((answer) => ({ answer, backing: backing(standing, answer, assurance) }))
    .sort((a, b) => b.backing - a.backing);
  const lead = (leader?.backing ?? 0) - (second?.backing ?? 0);
  if (leader === undefined || lead < leadToSettle) return { kind: 'disputed' };
  return settle(testimonies, leader.answer);
}

/** A host was proven wrong elsewhere: its word here backs nothing. Returns whether that changes anything. */
export function discount({ testimonies }: Case, hostId: HostId): boolean {
  let isChanged = false;
  for (const testimony of testimonies) {
    if (testimony.hostId !== hostId || testimony.isAnchor) continue;
    if (testimony.status === 'wrong' || testimony.status === 'discounted') continue;
    testimony.status = 'discounted';
    isChanged = true;
  }
  return isChanged;
}

/** Accounts (at A3: on networks of their own) that back an answer. */
export function backing(
  testimonies: readonly Testimony[],
  answer: string,
  { needsNetworks }: Assurance,
): number {
  const backers = testimonies.filter((t) => t.answer === answer && t.status !== 'discounted');
  const accounts = new Set(backers.map(({ accountId }) => accountId)).size;
  if (!needsNetworks || accounts < 2) return accounts;
  return Math.min(accounts, new Set(backers.map(({ network }) => networkAtA3(network))).size);
}

/**
 * A single testimony has been compared with nothing, so it has not passed. One that was discounted
 * and turns out right has: it counts again.
 */
function settle(testimonies: Testimony[], answer: string): Ruling {
  const wrong = testimonies.filter((t) => t.answer !== answer && t.status !== 'wrong');
  const isCompared = testimonies.length > 1;
  const passed = isCompared
    ? testimonies.filter((t) => t.answer === answer && t.status !== 'passed')
    : [];
  for (const testimony of wrong) testimony.status = 'wrong';
  for (const testimony of passed) testimony.status = 'passed';
  return { kind: 'settled', answer, passed, wrong };
}
