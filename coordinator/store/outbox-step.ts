/** What one step of the ledger does with outbox records: checked for gaps, summed by account. */
import type { AccountId } from '../../protocol/ids.ts';
import type { OutboxRecord } from './store.ts';

export type OutboxStep = {
  /** The watermark that the step needs to find. */
  before: number;
  last: number;
  sums: Map<AccountId, { micro: bigint; units: number }>;
  /** What the mint gives for it: the sum of all, below zero. */
  minted: bigint;
};

/** Null when there is nothing to pay. Throws when the records do not follow each other. */
export function outboxStep(partition: number, records: readonly OutboxRecord[]): OutboxStep | null {
  const first = records[0];
  if (first === undefined) return null;
  const sums: OutboxStep['sums'] = new Map();
  let minted = 0n;
  for (const [i, { number, payments }] of records.entries()) {
    if (number !== first.number + i) throw gap(partition, first.number + i, number);
    for (const { accountId, micro, units } of payments) {
      const sum = sums.get(accountId) ?? { micro: 0n, units: 0 };
      sums.set(accountId, { micro: sum.micro + BigInt(micro), units: sum.units + units });
      minted -= BigInt(micro);
    }
  }
  return { before: first.number - 1, last: first.number + records.length - 1, sums, minted };
}

/**
 * What it means that another watermark stands than the step needs. A higher one: somebody else was
 * first, which is well. A lower one: records are missing, and paying on would lose them for good.
 */
export function assertOvertaken(partition: number, step: OutboxStep, watermark: number): void {
  if (watermark < step.before) throw gap(partition, watermark + 1, step.before + 1);
}

const gap = (partition: number, expected: number, found: number): Error =>
  new Error(`outbox g${partition} has a gap: record ${expected} is missing before ${found}`);
