/**
 * cut: what came of an order is heard when all of it is done, and an order may hold units that nobody here may
 * check: of hosts that are all there is, or kept for somebody better. So that the answers to the others do not wait for
 * those, an order at which nobody works any more is closed as it is. What is left of it nobody has said
 * anything of: it is ordered anew, and as old as it was (domain/trust/court.ts).
 */
import type { JobId } from '../../../protocol/ids.ts';
import { shardId } from '../../domain/shard.ts';
import { nobodyHereMs } from '../../domain/trust/policy.ts';
import type { Context } from '../context.ts';

/** Whoever is at work has asked again by then: leases are sized to less. */
const restMsMax = 60_000;

/** `restingSince` is the caller's to keep: since when nobody has worked at an order, as far as it is done. */
export function cutOrders(
  { window, recorder, now }: Pick<Context, 'window' | 'recorder' | 'now'>,
  decided: ReadonlySet<JobId>,
  restingSince: Map<string, number>,
): void {
  const resting = new Map(
    window.checksLeftBehind.map((rest) => [
      `${shardId(rest.shard)} ${rest.positions.length}`,
      rest,
    ]),
  );
  for (const name of restingSince.keys()) if (!resting.has(name)) restingSince.delete(name);
  for (const [name, { shard, positions }] of resting) {
    const since = restingSince.get(name) ?? now();
    restingSince.set(name, since);
    // A job that waits for nothing else is not kept waiting.
    const restMs = decided.has(shard.jobId) ? nobodyHereMs : restMsMax;
    if (Math.abs(now() - since) >= restMs) recorder.giveUp(shard, [...positions], reason);
  }
}

const reason = 'nobody here takes what is left of this order';
