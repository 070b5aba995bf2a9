/** What an operator sets over HTTP: which kernels may run, and what the mint gives; and what one has of it. */
import { z } from 'zod';
import { accountIdSchema, digestSchema } from './ids.ts';

/** GET /v1/kernels/disabled */
export const disabledKernelSchema = z.object({
  digest: digestSchema,
  reason: z.string(),
  since: z.iso.datetime(),
});
export type DisabledKernel = z.infer<typeof disabledKernelSchema>;
export const disabledKernelsSchema = z.object({ kernels: z.array(disabledKernelSchema) });

/** Below 2^63: the ledger counts in 64 bits. */
const microSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,17})$/, 'expected microcredit as a decimal string, like "5000000"');

const changeable = {
  /** What the mint gives a day for curated jobs, in microcredit; null: as much as they earn. */
  mintDailyMicro: microSchema.nullable(),
  /** What the mint gives a scientist with their first job, in microcredit. */
  allowanceMicro: microSchema,
};

/** GET /v1/settings */
export const settingsSchema = z.strictObject({
  ...changeable,
  /** What the mint has given for curated jobs since midnight UTC, less what was revoked. */
  mintedTodayMicro: z.string(),
});
export type SettingsView = z.infer<typeof settingsSchema>;

/** PATCH /v1/settings: those that are named change. */
export const settingsChangeSchema = z.strictObject(changeable).partial();
export type SettingsChange = z.infer<typeof settingsChangeSchema>;

/** GET /v1/balance: what an account may spend, and what it has earned. */
export const balanceSchema = z.object({
  accountId: accountIdSchema,
  /** Earned, and may still be revoked. */
  pendingMicro: z.string(),
  /** Earned for good: pays for one's own jobs when what one has as a scientist is spent. */
  availableMicro: z.string(),
  /** To be spent on one's own jobs. */
  scientistMicro: z.string(),
  /** Set aside for one's own jobs that are not over. */
  escrowMicro: z.string(),
  /** What bad debt has paid for it: paid back before anything else is. */
  owedMicro: z.string().default('0'),
});
export type BalanceView = z.infer<typeof balanceSchema>;
