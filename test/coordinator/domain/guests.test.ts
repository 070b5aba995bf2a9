/** Shards in a window that somebody else holds, and on which hosts are here with leases. */
import { describe, expect, it } from 'vitest';
import { shardId, splitShard } from '../../../coordinator/domain/shard.ts';
import { ShardState } from '../../../coordinator/domain/shard-state.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import { aJob, aLease, append, hostId, leaseId } from '../builders.ts';
import { asker, aWindow, grant } from './window-scene.ts';

describe('a guest', () => {
  const lease = aLease(1, [[0, 2]]);
  const aGuest = () => {
    const window = new Window();
    const [job, state] = [aJob(), new ShardState(splitShard(aJob(), 0))];
    append(state, [{ kind: 'leased', ...lease }]);
    window.guests.add(job, state, 0);
    return { window, job, state, id: shardId(state.shard) };
  };

  it('is granted from by nobody here, and its leases are renewed', () => {
    const { window, id } = aGuest();
    expect([window.free, window.isHeld(id), window.hasWork]).toEqual([0, false, false]);
    expect(window.grant(asker(1), 1, leaseId(9), 0)).toBeNull();
    expect(window.renew(leaseId(1), hostId(1), 10_000)).toBe(true);
    expect(window.isGuestLease(leaseId(1))).toBe(true);
    expect(window.expire(35_000)).toEqual([]);
  });

  it('is held with all that is out of it once the queue has handed it over', () => {
    const { window, job, state, id } = aGuest();
    const presented = { ...aLease(2, [[2, 1]], 2), shard: state.shard };
    expect(window.present(presented, [[2, 1]], 0)).toBe(1);
    window.hold(job, ShardState.replay(state.shard, new Uint8Array()), 5000);
    expect([window.free, window.isHeld(id), window.guests.all]).toEqual([1, true, []]);
    expect(window.renew(leaseId(2), hostId(2), 6000)).toBe(true);
  });

  it('becomes of a shard that somebody else has now, as long as something of it is out here', () => {
    const { window, id } = aWindow();
    const { leaseId: ours } = grant(window, 1);
    window.yield(id, 1000);
    expect([window.free, window.isHeld(id), window.isGuestLease(ours)]).toEqual([0, false, true]);
    window.guests.forgetDone();
    expect(window.state(id)).toBeDefined();
    expect(window.release(ours, hostId(1), [0])).toBe(1);
    window.guests.forgetDone();
    expect(window.state(id)).toBeUndefined();
  });

  it('is not made of a shard of which nothing is out', () => {
    const { window, id } = aWindow();
    window.yield(id, 0);
    expect([window.state(id), window.free]).toEqual([undefined, 0]);
  });
});
