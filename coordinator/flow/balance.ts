/** balance: what an account has, as a volunteer and as a scientist. */
import type { AccountId } from '../../protocol/ids.ts';
import type { BalanceView } from '../../protocol/operation.ts';
import { escrowAccount, scientistAccount } from '../domain/funding.ts';
import { availableAccount, pendingAccount } from '../domain/ledger.ts';
import type { Context } from './context.ts';

export async function readBalance(
  { store, jobs }: Pick<Context, 'store' | 'jobs'>,
  accountId: AccountId,
): Promise<BalanceView> {
  const { ledger } = store;
  const escrows: string[] = [];
  for (const jobId of await ledger.escrows()) {
    if ((await jobs.facts(jobId))?.owner === accountId) escrows.push(escrowAccount(jobId));
  }
  const [pending = 0n, available = 0n, scientist = 0n, ...setAside] = await ledger.balances([
    pendingAccount(accountId),
    availableAccount(accountId),
    scientistAccount(accountId),
    ...escrows,
  ]);
  return {
    accountId,
    pendingMicro: pending.toString(),
    availableMicro: available.toString(),
    scientistMicro: scientist.toString(),
    escrowMicro: setAside.reduce((sum, micro) => sum + micro, 0n).toString(),
    owedMicro: (await ledger.owed(accountId)).toString(),
  };
}
