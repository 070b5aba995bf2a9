/** What backup.json says. */
import { z } from 'zod';

export const backupFactsSchema = z.object({
  /** How the folder is laid out. */
  backup: z.literal(1),
  gridId: z.string(),
  /** The data format of what is in Redis. */
  format: z.string(),
  takenAt: z.iso.datetime(),
  /** Of the program that took it. */
  version: z.string(),
  files: z.int().min(1),
  bytes: z.int().min(0),
  /** Where in S3 its artifacts are, of which this backup has none. */
  artifacts: z.string().optional(),
  /** SHA-256 of SHA256SUMS. */
  sums: z.string().regex(/^[0-9a-f]{64}$/),
});
export type BackupFacts = z.infer<typeof backupFactsSchema>;
