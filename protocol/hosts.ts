/** Hosts as an operator sees them over HTTP: who is known, who of them is connected, and who is banned. */
import { z } from 'zod';
import { accountIdSchema, hostIdSchema } from './ids.ts';

/**
 * The first that applies. `paused`: connected, and neither has work nor asks for it. `away`: has worked here
 * and is not connected.
 */
export const hostStates = ['banned', 'quarantined', 'paused', 'connected', 'away'] as const;

/** What its session tells of a host. */
export const hostSessionSchema = z.object({
  platform: z.enum(['node', 'browser']),
  /** Of the worker. */
  version: z.string(),
  cores: z.int(),
  memoryBytes: z.int(),
  connectedSince: z.iso.datetime(),
});
export type HostSession = z.infer<typeof hostSessionSchema>;

/** What is known of a host by its results. */
export const hostRecordSchema = z.object({
  repute: z.enum(['anchor', 'trusted', 'proven', 'newcomer', 'flaky', 'quarantined']),
  results: z.int(),
  /** Comparisons with others' results that it has passed since it was last wrong. */
  passed: z.int(),
  /** Results proven wrong. */
  wrong: z.int(),
  lastResultAt: z.iso.datetime().nullable(),
});

const nothing = { platform: null, version: null, cores: null, memoryBytes: null };
export const noSession = { ...nothing, connectedSince: null } as const;

export const hostViewSchema = z.object({
  hostId: hostIdSchema,
  accountId: accountIdSchema,
  name: z.string(),
  state: z.enum(hostStates),
  ...hostRecordSchema.shape,
  /** Null of a host that is not connected, as all that follows. */
  platform: hostSessionSchema.shape.platform.nullable(),
  version: z.string().nullable(),
  cores: z.int().nullable(),
  memoryBytes: z.int().nullable(),
  connectedSince: z.iso.datetime().nullable(),
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

/** GET /v1/hosts: those connected first, the newest sessions before others; and what is banned. */
export const hostListSchema = z.object({
  /** How many are connected. */
  connected: z.int(),
  hosts: z.array(hostViewSchema),
  bans: z.array(banViewSchema),
  /** What to ask `after` for the next page; null at the end. */
  more: z.string().nullable(),
});
export type HostList = z.infer<typeof hostListSchema>;
