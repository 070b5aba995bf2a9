/** What an operator sets over HTTP: which kernels may run, and what the mint gives. */
import { z } from 'zod';
import { digestSchema } from './ids.ts';

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

/** GET /v1/settings */
export const settingsSchema = z.strictObject({
  /** What the mint gives a day for curated jobs, in microcredit; null: as much as they earn. */
  mintDailyMicro: microSchema.nullable(),
  /** What the mint gives a scientist with their first job, in microcredit. */
  allowanceMicro: microSchema,
});
export type SettingsView = z.infer<typeof settingsSchema>;

/** PATCH /v1/settings: those that are named change. */
export const settingsChangeSchema = settingsSchema.partial();
export type SettingsChange = z.infer<typeof settingsChangeSchema>;
