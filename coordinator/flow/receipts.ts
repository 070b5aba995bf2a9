/** receipts: an account's grants as a chain of receipts, oldest first, with its end signed. */

import type { AccountId } from '../../protocol/ids.ts';
import { noHash } from '../../protocol/ledger.ts';
import { type ReceiptsEnd, type ReceiptsHeading, receiptsBytes } from '../../protocol/receipts.ts';
import { type Address, type History, readReceiptLine } from '../store/history.ts';
import type { GridKey } from '../tokens/grid-key.ts';
import type { Context } from './context.ts';

/** Lines of JSON. What was earned since the last archive is not in them: archive first. */
export async function* receiptLines(
  { store, grid, now }: Context,
  history: History,
  key: GridKey,
  accountId: AccountId,
): AsyncGenerator<string> {
  const { gridId } = grid;
  const heading: ReceiptsHeading = {
    receipts: 1,
    gridId,
    accountId,
    publicKey: Buffer.from(key.publicKey).toString('base64url'),
  };
  yield JSON.stringify(heading);
  const tail = (await store.ledger.receiptTails([accountId])).get(accountId);
  // Each names the one before: found from the last to the first, told from the first to the last.
  const addresses: Address[] = [];
  for (let at = tail?.address ?? null; at !== null; ) {
    addresses.push(at);
    at = readReceiptLine(await history.read('receipts', at)).before;
  }
  for (const address of addresses.reverse()) {
    yield readReceiptLine(await history.read('receipts', address)).json;
  }
  const end = { number: tail?.number ?? 0, hash: tail?.hash ?? noHash, at: now() };
  const signature = Buffer.from(key.sign(receiptsBytes(heading, end))).toString('base64url');
  yield JSON.stringify({ end: { ...end, signature } } satisfies ReceiptsEnd);
}
