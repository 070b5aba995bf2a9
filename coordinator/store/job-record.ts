/** How a job and its shards are written in Redis hashes, and read back. */
import type { AccountId, HostId, JobId } from '../../protocol/ids.ts';
import { type JobState, pauseCauses } from '../../protocol/job.ts';
import type { UnitRuns } from '../../protocol/messages.ts';
import type { OutboxRecord, Payment } from '../domain/award.ts';
import type { DayMark, Job, JobFacts } from '../domain/job.ts';
import { flatRuns, parseShardId, type Shard, type ShardId } from '../domain/shard.ts';

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
    decidedAt: hash['decidedAt'] ? Number(hash['decidedAt']) : null,
    marks: readMarks(hash['marks']),
    finalAt: hash['finalAt'] ? Number(hash['finalAt']) : null,
    unchecked: number('unchecked'),
    counts: {
      cursor: number('cursor'),
      shards: number('shards'),
      shardsOpen: number('shardsOpen'),
      canonical: number('canonical'),
      failed: number('failed'),
      fuel: big('fuelHigh') * fuelCarry + big('fuelLow'),
      creditMicro: big('creditMicro'),
      shardsFinal: number('shardsFinal'),
      final: number('final'),
      shardsSettled: number('shardsSettled'),
    },
  };
}

export const readMarks = (text: string | null | undefined): DayMark[] =>
  text ? (JSON.parse(text) as DayMark[]) : [];

/** A shard in the open set: its units, and the order of one that checks. The id is the field. */
export const writeShard = ({ units, check }: Shard): string => JSON.stringify({ ...units, check });
export function readShard(id: ShardId, text: string): Shard {
  const { check, ...units } = JSON.parse(text) as Shard['units'] & Pick<Shard, 'check'>;
  const { jobId, number } = parseShardId(id);
  return check === undefined ? { jobId, number, units } : { jobId, number, units, check };
}

/** Payments of a job as JSON: the job, whether they are for checks, then each payment's fields and its runs of units, flat. */
export const writePayments = (
  { jobId, isCheck }: Pick<OutboxRecord, 'jobId' | 'isCheck'>,
  payments: readonly Payment[],
): string =>
  payments.length === 0
    ? ''
    : JSON.stringify([
        jobId,
        isCheck ? 1 : 0,
        ...payments.map((p) => [kindOf(p), p.accountId, p.hostId, p.micro, ...flatRuns(p.units)]),
      ]);

export function readPayments(text: string): Omit<OutboxRecord, 'number'> {
  const [jobId, check, ...payments] = JSON.parse(text) as [JobId, number, ...PaymentTuple[]];
  return {
    jobId,
    isCheck: check === 1,
    payments: payments.map(readPayment),
  };
}
// By index: some hundred thousand of them may wait when a ledger was away.
function readPayment(tuple: PaymentTuple): Payment {
  const [name, accountId, hostId, micro] = tuple;
  const units: UnitRuns = [];
  for (let i = 4; i < tuple.length; i += 2)
    units.push([tuple[i] as number, tuple[i + 1] as number]);
  const { kind, isVerdict } = kinds[name];
  const payment: Payment = { kind, accountId, hostId, micro, units };
  if (isVerdict) payment.isVerdict = true;
  return payment;
}
type PaymentTuple = [keyof typeof kinds, AccountId, HostId, number, ...number[]];

const kinds = {
  grant: { kind: 'grant', isVerdict: false },
  revoke: { kind: 'revoke', isVerdict: false },
  grantVerdict: { kind: 'grant', isVerdict: true },
  revokeVerdict: { kind: 'revoke', isVerdict: true },
} as const;

const kindOf = ({ kind, isVerdict }: Payment): keyof typeof kinds =>
  isVerdict === true ? `${kind}Verdict` : kind;
