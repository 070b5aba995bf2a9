/** How a job and its shards are written in Redis hashes, and read back. */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import { type JobState, pauseCauses } from '../../protocol/job.ts';
import type { Payment } from '../domain/award.ts';
import type { Job, JobFacts } from '../domain/job.ts';
import type { ShardUnits } from '../domain/shard.ts';

/** `fuelHigh` counts these: a job's fuel may pass what one Redis integer holds. */
const fuelCarry = 10n ** 15n;

export function readJobHash(hash: Record<string, string>): Job | null {
  const text = hash['facts'];
  if (text === undefined) return null;
  const number = (field: string) => Number(hash[field] ?? 0);
  const big = (field: string) => BigInt(hash[field] ?? 0);
  const pauses = pauseCauses.flatMap((cause) => {
    const reason = hash[`pause:${cause}`];
    return reason === undefined ? [] : [[cause, reason]];
  });
  return {
    ...(JSON.parse(text) as JobFacts),
    pauses: Object.fromEntries(pauses),
    curated: hash['curated'] === '1',
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

/** Payments of a job as JSON: the job, then each payment's fields and its runs of units, flat. */
export const writePayments = (jobId: JobId, payments: readonly Payment[]): string =>
  payments.length === 0
    ? ''
    : JSON.stringify([
        jobId,
        ...payments.map((p) => [p.kind, p.accountId, p.hostId, p.micro, ...p.units.flat()]),
      ]);

export function readPayments(text: string): { jobId: JobId; payments: Payment[] } {
  const [jobId, ...payments] = JSON.parse(text) as [JobId, ...PaymentTuple[]];
  return {
    jobId,
    payments: payments.map(([kind, accountId, hostId, micro, ...flat]) => {
      const units = Array.from({ length: flat.length / 2 }, (_, i): [number, number] => [
        flat[2 * i] ?? 0,
        flat[2 * i + 1] ?? 0,
      ]);
      return { kind, accountId, hostId, micro, units };
    }),
  };
}
type PaymentTuple = [Payment['kind'], AccountId, HostId, number, ...number[]];
