/**
 * A process that awards and archives, killed with SIGKILL before and after each of its steps in turn.
 * Whoever comes next finds a ledger that replays without a flaw, and nothing paid twice or not at all.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LedgerReplay } from '../../../coordinator/domain/ledger-replay.ts';
import { splitShard } from '../../../coordinator/domain/shard.ts';
import { archiveEntries } from '../../../coordinator/flow/archive.ts';
import { ledgerLines } from '../../../coordinator/flow/ledger-lines.ts';
import { History, readReceiptLine } from '../../../coordinator/store/history.ts';
import { openRedisStore } from '../../../coordinator/store/redis-store.ts';
import type { Store } from '../../../coordinator/store/store.ts';
import { noHash } from '../../../protocol/ledger.ts';
import { type PrivateRedis, startPrivateRedis } from '../../support/private-redis.ts';
import { accountId, aJob } from '../builders.ts';
import { anAppend, aPayment, applied, gridFacts, jobIdIn } from '../store/arrange.ts';

const child = join(import.meta.dirname, 'award-child.mjs');
let redis: PrivateRedis;
let store: Store;
let folder: string;

beforeEach(async () => {
  redis = await startPrivateRedis();
  store = await openRedisStore(redis.connection);
  await store.grid.open(gridFacts);
  folder = await mkdtemp(join(tmpdir(), 'mh-history-'));
});

afterEach(async () => {
  await store.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Awards, revokes and archives what waits; killed at a step, it returns false. */
async function killedAt(step: number): Promise<boolean> {
  const args = [child, redis.connection.path, folder, String(step)];
  const running = spawn(process.execPath, args, { stdio: 'inherit' });
  const [code, signal] = (await once(running, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual(signal === null ? [0, null] : [null, 'SIGKILL']);
  return signal !== null;
}

it('[C1] [C2] kill -9 at any step of award, revoke and archive loses nothing and pays nothing twice', async () => {
  const job = aJob({ jobId: jobIdIn(0), units: 100_000, unitsPerShard: 100_000 });
  const shard = splitShard(job, 0);
  await store.jobs.submit(job);
  await store.openShard(job, shard);
  let unit = 0;
  let owed = 0;
  for (let step = 0; ; step++) {
    // Each round: two grants, and one of them taken back.
    const [kept, lie] = [aPayment(1, 7, [[unit, 2]]), aPayment(2, 5, [[unit + 2, 1]])];
    const back = { ...lie, kind: 'revoke' as const };
    await store.append(0, [anAppend(shard, 2 * step, 'x', { pay: [kept, lie] })], 1);
    await store.append(0, [anAppend(shard, 2 * step + 1, 'y', { pay: [back] })], 1);
    unit += 3;
    owed += 7;
    const wasKilled = await killedAt(step);
    await applied(store, 0);
    await archiveEntries({ store }, new History(folder));
    expect(await store.ledger.readEntries(0, 9)).toEqual([]);
    if (!wasKilled) break;
  }
  // Two runs of each step, before and after it: reads, the entry, the files, the mark.
  expect(unit / 3).toBeGreaterThan(12);

  const history = new History(folder);
  const replay = new LedgerReplay();
  for await (const line of ledgerLines(store.ledger, history, await store.ledger.allBalances())) {
    const value = JSON.parse(line);
    if ('end' in value) replay.finish(value);
    else replay.add(value, createHash('sha256').update(line).digest('hex'));
  }
  expect(replay.units).toBe((unit / 3) * 2);
  expect(await store.ledger.standing('volunteer', accountId(1))).toMatchObject({
    creditMicro: BigInt(owed),
  });
  expect(await store.ledger.standing('volunteer', accountId(2))).toBeNull();
  expect(await receiptsOf(accountId(2))).toBe(unit / 3);
  // Some thirty processes start and die here, one after the other.
}, 120_000);

/** Units granted in an account's receipts, whose chain holds. */
async function receiptsOf(account: string): Promise<number> {
  const history = new History(folder);
  const tail = (await store.ledger.receiptTails([account])).get(account);
  let [hash, units, left] = [tail?.hash ?? '', 0, tail?.number ?? 0];
  for (let at = tail?.address ?? null; at !== null; left--) {
    const { json, before } = readReceiptLine(await history.read('receipts', at));
    expect(createHash('sha256').update(json).digest('hex')).toBe(hash);
    const receipt = JSON.parse(json);
    expect(receipt.number).toBe(left);
    for (const { kind, units: runs } of receipt.grants) {
      if (kind === 'grant') for (const [, count] of runs) units += count;
    }
    hash = receipt.prev;
    at = before;
  }
  expect(hash).toBe(noHash);
  return units;
}
