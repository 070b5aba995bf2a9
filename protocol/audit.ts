/**
 * The audit log over HTTP: what operators did, by which token, when and why. Lines are added before
 * the act and never changed, so no act is without its line.
 */
import { z } from 'zod';

export const acts = [
  'token_create',
  'token_revoke',
  'job_cancel',
  'job_pause',
  'job_resume',
  'job_curate',
  'job_uncurate',
  'job_remove',
  'kernel_disable',
  'kernel_enable',
  'host_ban',
  'host_unban',
  'host_vouch',
  'host_unvouch',
  'settings_change',
  'backup',
  'restore',
] as const;
export type Act = (typeof acts)[number];

export const auditEntrySchema = z.object({
  /** Where it stands in the log: what comes later compares greater. */
  entryId: z.string(),
  at: z.iso.datetime(),
  act: z.enum(acts),
  /** What it was done to: the id of a token, a host or a job, or a digest. */
  target: z.string(),
  /** What it set, where the act does not say it all. */
  detail: z.string(),
  reason: z.string(),
  tokenId: z.string(),
  tokenName: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** GET /v1/audit-log, newest first; `more` is what to ask `before` for the next page. */
export const auditLogSchema = z.object({
  entries: z.array(auditEntrySchema),
  more: z.string().nullable(),
});
export type AuditLog = z.infer<typeof auditLogSchema>;
