/** How a job and its shards are written in Redis hashes, and read back. */
import type { JobState } from '../../protocol/job.ts';
import type { Job, JobFacts } from '../domain/job.ts';
import type { ShardUnits } from '../domain/shard.ts';
import type { Payment } from './store.ts';

/** `fuelHigh` counts these: a job's fuel may pass what one Redis integer holds. */
const fuelCarry = 10n ** 15n;

export function readJobHash(hash: Record<string, string>): Job | null {
  const text = hash['facts'];
  if (text === undefined) return null;
  const number = (field: string) => Number(hash[field] ?? 0);
  const big = (field: string) => BigInt(hash[field] ?? 0);
  return {
    ...(JSON.parse(text) as JobFacts),
    state: (hash['state'] ?? 'open') as JobState,
    endedAt: hash['endedAt'] ? Number(hash['endedAt']) : null,
    counts: {
      cursor: number('cursor'),
      shards: number('shards'),
      shardsOpen: number('shardsOpen'),
      canonical: number('canonical'),
      failed: number('failed'),
      fuel: big('fuelHigh') * fuelCarry + big('fuelLow'),
      creditMicro: big('creditMicro'),
    },
  };
}

export const writeUnits = (units: ShardUnits): string => JSON.stringify(units);
export const readUnits = (text: string): ShardUnits => JSON.parse(text) as ShardUnits;

/** Payments as a flat JSON array: account, host, microcredit, units, account, … */
export const writePayments = (payments: readonly Payment[]): string =>
  payments.length === 0
    ? ''
    : JSON.stringify(payments.flatMap((p) => [p.accountId, p.hostId, p.micro, p.units]));

export function readPayments(text: string): Payment[] {
  const flat = JSON.parse(text) as (string | number)[];
  return Array.from({ length: flat.length / 4 }, (_, i) => {
    const [accountId, hostId, micro, units] = flat.slice(4 * i, 4 * i + 4);
    return {
      accountId: String(accountId),
      hostId: String(hostId),
      micro: Number(micro),
      units: Number(units),
    };
  });
}
