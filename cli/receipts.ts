/**
 * Checks a file of receipts without asking anybody: the chain from the first line to the last, and the
 * grid's signature under its end. Whoever has the grid's public key from elsewhere than from the file
 * knows then that the grid has granted just this.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { z } from 'zod';
import { noHash } from '../protocol/ledger.ts';
import {
  type ReceiptsHeading,
  receiptSchema,
  receiptsBytes,
  receiptsEndSchema,
  receiptsHeadingSchema,
} from '../protocol/receipts.ts';
import { Failure } from './failure.ts';
import { parseJson } from './lines.ts';

export type CheckedReceipts = {
  accountId: string;
  gridId: string;
  receipts: number;
  units: number;
  creditMicro: string;
  signedAt: string;
};

/** Throws Failure `receipts_forged`, with the line at fault. `publicKey` is raw. */
export async function checkReceipts(
  lines: AsyncIterable<string>,
  publicKey: Uint8Array,
): Promise<CheckedReceipts> {
  let heading: ReceiptsHeading | null = null;
  let checked: CheckedReceipts | null = null;
  let [line, number, hash, units, micro] = [0, 0, noHash, 0, 0n];
  for await (const text of lines) {
    line++;
    if (checked !== null) throw forged(line, 'something follows after the signed end');
    if (heading === null) {
      heading = parse(receiptsHeadingSchema, text, line);
    } else if (text.startsWith('{"end"')) {
      const { end } = parse(receiptsEndSchema, text, line);
      if (end.number !== number) throw forged(line, `${end.number} receipts are signed`);
      if (end.hash !== hash) throw forged(line, 'another last receipt is signed');
      const bytes = receiptsBytes(heading, end);
      if (!isSigned(bytes, publicKey, Buffer.from(end.signature, 'base64url'))) {
        throw forged(line, 'the signature is not that of the grid’s key');
      }
      const { accountId, gridId } = heading;
      const signedAt = new Date(end.at).toISOString();
      const creditMicro = micro.toString();
      checked = { accountId, gridId, receipts: number, units, creditMicro, signedAt };
    } else {
      const receipt = parse(receiptSchema, text, line);
      number++;
      if (receipt.number !== number) throw forged(line, `receipt ${number} should be here`);
      if (receipt.prev !== hash) throw forged(line, 'it does not name the receipt before');
      hash = createHash('sha256').update(text).digest('hex');
      for (const grant of receipt.grants) {
        const sign = grant.kind === 'grant' ? 1 : -1;
        micro += BigInt(sign) * BigInt(grant.micro);
        for (const [, count] of grant.units) units += sign * count;
      }
    }
  }
  if (checked === null) throw forged(line, 'the file ends without a signed end');
  return checked;
}

function parse<T>(schema: z.ZodType<T>, text: string, line: number): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw forged(line, `it is no line of receipts: ${text.slice(0, 80)}`);
}

const forged = (line: number, why: string): Failure =>
  new Failure('receipts_forged', 'These receipts are not what the grid signed.', {
    why: `line ${line}: ${why}`,
    remedy: 'download them again with `manyhands receipts`, and compare the grid’s key',
  });

const ed25519Header = Buffer.from('302a300506032b6570032100', 'hex');

function isSigned(message: Uint8Array, rawKey: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.concat([ed25519Header, rawKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}
