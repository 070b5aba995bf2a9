/**
 * What the intents of one shard come to: the one append that holds them all, and the answer to each
 * report. Decided upon the state as it is known, and applied to it at once, so that every report is
 * judged after those before it; it counts only when the journal takes the append.
 */
import type { HostId } from '../../../protocol/ids.ts';
import type { Verdict } from '../../../protocol/outcome.ts';
import type { Payment } from '../../domain/award.ts';
import type { JournalEntry } from '../../domain/journal.ts';
import {
  giveUp,
  type Pay,
  positionsIn,
  type Recording,
  recordResults,
  recordSuccesses,
} from '../../domain/record.ts';
import { fromRuns, isCheck, type Shard, type ShardId, shardId } from '../../domain/shard.ts';
import type { ShardState } from '../../domain/shard-state.ts';
import { unitsAt } from '../../domain/unit-runs.ts';
import type { ShardAppend } from '../../store/store.ts';
import type { Intent, ReportIntent } from './intake.ts';

export type Draft = {
  append: ShardAppend;
  /** As it is once the append is written. */
  state: ShardState;
  intents: Intent[];
  answers: (() => void)[];
};

const noCounts = { canonical: 0, failed: 0, fuel: 0, creditMicro: 0 };

export function draftAppend(shard: Shard, state: ShardState, intents: Intent[]): Draft {
  const expectedLength = state.length;
  const answers: (() => void)[] = [];
  const pay: [Shard, Pay][] = [];
  let [canonical, failed, fuel, micro] = [0, 0, 0, 0];
  const take = (of: Shard, recording: Recording): Verdict[] => {
    state.apply(recording.entries);
    canonical += recording.canonical;
    failed += recording.failed;
    fuel += recording.fuel;
    if (recording.pay !== null) {
      pay.push([of, recording.pay]);
      micro += recording.pay.micro;
    }
    return recording.verdicts;
  };
  for (const intent of intents) {
    if (intent.kind === 'note') {
      if (!state.isClosed && !isKnown(state, intent.entry)) state.apply([intent.entry]);
      continue;
    }
    if (intent.kind === 'giveUp') {
      take(shard, giveUp(state, intent.positions, intent.reason));
      continue;
    }
    // Part by part: each is applied before the next is decided.
    const { shard: of, lease, reported } = intent;
    const { successes, results } = reported;
    let verdicts = successes === null ? [] : take(of, recordSuccesses(state, lease, successes));
    if (results.length > 0)
      verdicts = verdicts.concat(take(of, recordResults(state, lease, results)));
    answers.push(() => intent.answer(verdicts));
  }
  const bytes = state.takeBytes();
  const closes = state.isClosed && bytes.length > 0;
  // Checks are paid like any replica, but their units were counted when they were first decided.
  const counts = { canonical, failed, fuel, creditMicro: micro };
  const append = {
    shard,
    expectedLength,
    bytes,
    closes,
    ...(isCheck(shard) ? noCounts : counts),
    pay: payments(pay, state.shard.check?.verify !== undefined),
  };
  return { append, state, intents, answers };
}

/** Nothing can be appended any more: what was recorded keeps its verdict, the rest comes late. */
export function verdictsOfClosed(state: ShardState, intent: ReportIntent): Verdict[] {
  const late: Verdict = state.isClosed ? 'not_needed' : 'too_late';
  const { lease, reported } = intent;
  const { successes, results } = reported;
  const all = [recordResults(state, lease, results)];
  if (successes !== null) all.unshift(recordSuccesses(state, lease, successes));
  const isNew = new Set(all.flatMap(({ entries }) => entries.flatMap(positionsRecorded)));
  const positions = positionsIn(reported);
  const verdicts = all.flatMap((recording) => recording.verdicts);
  return verdicts.map((verdict, i) => (isNew.has(positions[i] ?? -1) ? late : verdict));
}

export function groupByShard(intents: Intent[]): Intent[][] {
  const groups = new Map<ShardId, Intent[]>();
  // Most leases on a shard share what tells of it: then its id need not be put together.
  const known = new Map<Shard, Intent[]>();
  for (const intent of intents) {
    const { shard } = intent;
    let group = known.get(shard);
    if (group === undefined) {
      const id = shardId(shard);
      group = groups.get(id) ?? [];
      groups.set(id, group);
      known.set(shard, group);
    }
    group.push(intent);
  }
  return [...groups.values()];
}

/** A lease that was reported sooner than its note came up is in the journal already. */
const isKnown = (state: ShardState, entry: JournalEntry): boolean =>
  entry.kind === 'leased' && state.leases.has(entry.leaseId);

function positionsRecorded(entry: JournalEntry): number[] {
  if (entry.kind === 'recorded') return entry.results.map(({ position }) => position);
  return entry.kind === 'succeeded' ? [...fromRuns(entry.positions)] : [];
}

/**
 * One for each host: what it earned in this commit, and with which units: those that its lease knows. Who runs a
 * verifier is paid for that, and not for the unit: it may be asked again, or compute the unit itself.
 */
function payments(pays: readonly [Shard, Pay][], areVerdicts: boolean): Payment[] {
  const byHost = new Map<HostId, Payment>();
  for (const [{ units }, { accountId, hostId, micro, positions }] of pays) {
    const payment = byHost.get(hostId);
    const paid = unitsAt(units, positions);
    if (payment === undefined) {
      const grant: Payment = { kind: 'grant', accountId, hostId, micro, units: paid };
      byHost.set(hostId, areVerdicts ? { ...grant, isVerdict: true } : grant);
    } else {
      payment.micro += micro;
      payment.units.push(...paid);
    }
  }
  return [...byHost.values()];
}
