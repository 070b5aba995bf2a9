/** What an operator may set while the grid runs. */
import type { SettingsChange, SettingsView } from '../../protocol/operation.ts';
import { auditLine } from '../domain/audit.ts';
import { dayOf } from '../domain/day.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

export async function readSettings({ store, now }: Context): Promise<SettingsView> {
  const { mintDailyMicro, allowanceMicro } = await store.registry.settings();
  return {
    mintDailyMicro: mintDailyMicro?.toString() ?? null,
    allowanceMicro: allowanceMicro.toString(),
    mintedTodayMicro: (await store.ledger.minted(dayOf(now()))).toString(),
  };
}

/** Those that are named change. */
export async function changeSettings(
  context: Context,
  by: TokenFacts,
  { mintDailyMicro, allowanceMicro }: SettingsChange,
): Promise<SettingsView> {
  const { registry } = context.store;
  if (mintDailyMicro !== undefined) {
    const what = { act: 'settings_change', target: 'mintDailyMicro', reason: '' } as const;
    const detail = mintDailyMicro ?? 'none';
    await registry.logAct(auditLine(by, context.now(), { ...what, detail }));
    const micro = mintDailyMicro === null ? null : BigInt(mintDailyMicro);
    await registry.changeSettings({ mintDailyMicro: micro });
  }
  if (allowanceMicro !== undefined) {
    const what = { act: 'settings_change', target: 'allowanceMicro', reason: '' } as const;
    await registry.logAct(auditLine(by, context.now(), { ...what, detail: allowanceMicro }));
    await registry.changeSettings({ allowanceMicro: BigInt(allowanceMicro) });
  }
  return readSettings(context);
}
