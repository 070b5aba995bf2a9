import { describe, expect, it } from 'vitest';
import { recordResults } from '../../../coordinator/domain/record.ts';
import { Rests } from '../../../coordinator/domain/rests.ts';
import { shardId } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import {
  aCapacity,
  accountId,
  aHostError,
  aJob,
  append,
  aShard,
  aStanding,
  hostId,
  leaseId,
} from '../builders.ts';

describe('a unit that an account tried without deciding it', () => {
  it('rests for that account, twice as long each time, and for nobody else', () => {
    const rests = new Rests();
    rests.tried(7, 'one', 1, 0);
    expect(rests.isResting(7, 'one', 4999)).toBe(true);
    expect(rests.isResting(7, 'one', 5000)).toBe(false);
    expect(rests.isResting(7, 'two', 0)).toBe(false);
    expect(rests.isResting(8, 'one', 0)).toBe(false);
    rests.tried(7, 'one', 2, 5000);
    expect(rests.isResting(7, 'one', 14_999)).toBe(true);
    expect(rests.isResting(7, 'one', 15_000)).toBe(false);
  });

  it('rests no longer because the clock was set back', () => {
    const rests = new Rests();
    rests.tried(7, 'one', 1, 3_600_000);
    expect(rests.isResting(7, 'one', 3_600_000)).toBe(true);
    expect(rests.isResting(7, 'one', 0)).toBe(false);
  });

  // A host may send a report again whose answer was lost, or just so. Each time doubled the rest of
  // its account, and with such a host in each account the unit was not offered to anybody any more.
  it('rests no longer because its report is repeated', () => {
    const rests = new Rests();
    rests.tried(7, 'one', 1, 0);
    rests.tried(7, 'one', 1, 4000);
    expect(rests.isResting(7, 'one', 5000)).toBe(false);
  });

  it('never rests longer than five minutes, and is forgotten when it is decided', () => {
    const rests = new Rests();
    for (let tries = 1; tries <= 40; tries++) rests.tried(7, 'one', tries, 0);
    expect(rests.isResting(7, 'one', 300_000)).toBe(false);
    expect(rests.isResting(7, 'one', 299_999)).toBe(true);
    rests.decided(7);
    expect(rests.isEmpty).toBe(true);
  });
});

describe('one broken machine', () => {
  const ask = (window: Window, account: number, now: number, isAlone = false) =>
    window.grant(
      {
        hostId: hostId(account),
        accountId: accountId(account),
        memoryBytes: 2 ** 40,
        isAlone,
        standing: aStanding,
        hosts: 1,
        capacity: aCapacity(),
      },
      1,
      leaseId(now + 100 * account),
      now,
    );

  /** A window with one unit, which account 1 has just failed for reasons of its own. */
  function afterHostError(): Window {
    const [job, state] = [aJob(), new ShardState(aShard(1))];
    const window = new Window();
    window.hold(job, state, 0);
    const lease = ask(window, 1, 0)?.lease;
    if (lease === undefined) throw new Error('nothing was granted');
    const [position = 0] = lease.positions[0] ?? [];
    const { entries } = recordResults(state, lease, [aHostError(position)]);
    append(state, entries);
    window.settle(shardId(state.shard), lease, [position], 0, 0);
    return window;
  }

  it('does not get the unit again while others are connected, who do', () => {
    const window = afterHostError();
    expect(ask(window, 1, 1)).toBeNull();
    expect(ask(window, 2, 2)).not.toBeNull();
  });

  it('gets it again after a while when nobody else took it', () => {
    expect(ask(afterHostError(), 1, 5000)).not.toBeNull();
  });

  it('gets it at once when it is the only one there', () => {
    expect(ask(afterHostError(), 1, 1, true)).not.toBeNull();
  });
});
