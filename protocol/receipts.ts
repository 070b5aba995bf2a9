/**
 * Receipts: what the ledger holds of one account, in a chain that its owner can keep. A receipt tells of
 * some entries one after the other what the account earned in them, and names the hash of the receipt
 * before. The grid signs the last one, and thereby all of them: no grant can be changed, added or left
 * out afterwards, neither by the volunteer nor by the grid.
 *
 * A file of receipts has one JSON a line: a heading, the receipts in order, and the signed end.
 */
import { z } from 'zod';
import { accountIdSchema, hostIdSchema, jobIdSchema } from './ids.ts';
import { hashSchema } from './ledger.ts';

const base64url = z.string().regex(/^[A-Za-z0-9_-]*$/, 'expected base64url');

export const receiptsHeadingSchema = z.strictObject({
  receipts: z.literal(1),
  gridId: z.string(),
  accountId: accountIdSchema,
  /** The grid's Ed25519 key, raw. What it proves depends on who says that it is the grid's. */
  publicKey: base64url,
});
export type ReceiptsHeading = z.infer<typeof receiptsHeadingSchema>;

export const receiptSchema = z.strictObject({
  number: z.int().min(1),
  /** SHA-256 of the receipt before, as text; 64 zeros for the first. */
  prev: hashSchema,
  /** The time of the last of its entries. */
  at: z.int().min(0),
  /** The first and the last entry of the ledger that it tells of. */
  entries: z.tuple([z.int().min(1), z.int().min(1)]),
  grants: z.array(
    z.strictObject({
      kind: z.enum(['grant', 'revoke']),
      isVerdict: z.literal(true).optional(),
      hostId: hostIdSchema,
      jobId: jobIdSchema,
      units: z.array(z.tuple([z.int().min(0), z.int().min(1)])).min(1),
      micro: z.string().regex(/^(0|[1-9][0-9]{0,18})$/),
    }),
  ),
});
export type Receipt = z.infer<typeof receiptSchema>;

export const receiptsEndSchema = z.strictObject({
  end: z.strictObject({
    /** The last receipt's number and hash; 0 and zeros when there is none. */
    number: z.int().min(0),
    hash: hashSchema,
    at: z.int().min(0),
    signature: base64url,
  }),
});
export type ReceiptsEnd = z.infer<typeof receiptsEndSchema>;

/** What the grid signs. */
export const receiptsBytes = (
  { gridId, accountId }: Pick<ReceiptsHeading, 'gridId' | 'accountId'>,
  { number, hash, at }: Omit<ReceiptsEnd['end'], 'signature'>,
): Uint8Array =>
  new TextEncoder().encode(
    ['manyhands.receipts.1', gridId, accountId, number, hash, at].join('\0'),
  );
