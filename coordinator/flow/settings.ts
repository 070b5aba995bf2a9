/** What an operator may set while the grid runs. */
import type { SettingsView } from '../../protocol/operation.ts';
import { auditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

export async function readSettings(context: Context): Promise<SettingsView> {
  const { mintDailyMicro } = await context.store.registry.settings();
  return { mintDailyMicro: mintDailyMicro?.toString() ?? null };
}

/** Those that are named change. */
export async function changeSettings(
  context: Context,
  by: TokenFacts,
  { mintDailyMicro }: { mintDailyMicro?: string | null | undefined },
): Promise<SettingsView> {
  const { registry } = context.store;
  if (mintDailyMicro !== undefined) {
    const what = { act: 'settings_change', target: 'mintDailyMicro', reason: '' } as const;
    const detail = mintDailyMicro ?? 'none';
    await registry.logAct(auditLine(by, context.now(), { ...what, detail }));
    const micro = mintDailyMicro === null ? null : BigInt(mintDailyMicro);
    await registry.changeSettings({ mintDailyMicro: micro });
  }
  return readSettings(context);
}
