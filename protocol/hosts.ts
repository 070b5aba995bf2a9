/** Hosts as an operator sees them over HTTP: who is connected, and who is banned. */
import { z } from 'zod';
import { accountIdSchema, hostIdSchema } from './ids.ts';

export const hostViewSchema = z.object({
  hostId: hostIdSchema,
  accountId: accountIdSchema,
  name: z.string(),
  platform: z.enum(['node', 'browser']),
  /** Of the worker. */
  version: z.string(),
  cores: z.int(),
  memoryBytes: z.int(),
  connectedSince: z.iso.datetime(),
});
export type HostView = z.infer<typeof hostViewSchema>;

export const banViewSchema = z.object({
  /** A host, or an account with all its hosts. */
  id: z.union([hostIdSchema, accountIdSchema]),
  reason: z.string(),
  since: z.iso.datetime(),
});
export type BanView = z.infer<typeof banViewSchema>;

/** Whether the operator vouches for a host: then it is an anchor, whose word settles disputes. */
export const vouchViewSchema = z.object({ hostId: hostIdSchema, isAnchor: z.boolean() });
export type VouchView = z.infer<typeof vouchViewSchema>;

/** GET /v1/hosts: those connected, the newest sessions first, and what is banned. */
export const hostListSchema = z.object({
  /** How many are connected; `hosts` has a page of them. */
  connected: z.int(),
  hosts: z.array(hostViewSchema),
  bans: z.array(banViewSchema),
});
