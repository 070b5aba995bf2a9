/** When an upload that was refused is tried again. The machine's timers jump when the test says so. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { coordinatorMessageExamples } from '../../protocol/examples.ts';
import { leaseMessageSchema } from '../../protocol/messages.ts';
import { Artifacts, UploadRefused } from '../../worker/artifacts.ts';
import { Holdings } from '../../worker/holdings.ts';
import { nodePlatform } from '../../worker/platform/node.ts';
import { Uploader } from '../../worker/uploader.ts';
import { sha256 } from '../support/volunteer.ts';
import { aFolder, aGrid } from './join.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
});
afterEach(() => {
  vi.useRealTimers();
});

const output = randomBytes(5000);
const token = 'upload-1';

async function arrange() {
  const grid = await aGrid();
  const storage = await nodePlatform.openStorage(await aFolder());
  onTestFinished(() => storage.close());
  const holdings = await Holdings.open(nodePlatform, storage, 'a grid');
  onTestFinished(() => holdings.close());
  const artifacts = new Artifacts(() => grid.url, storage, nodePlatform.sha256);
  const {
    leases: [lease],
    jobs: [brief],
  } = leaseMessageSchema.parse(coordinatorMessageExamples.lease);
  if (lease === undefined || brief === undefined) throw new Error('an example without a lease');
  holdings.addLease(lease, brief);
  const result = {
    ...{ unit: lease.units[0]?.[0] ?? 0, outcome: 'success' as const, exitCode: 0, fuel: 1 },
    ...{ digest: sha256(output), output: null, detail: '', wallMs: 1 },
  };
  const stored = await holdings.finish(lease.leaseId, result, output);
  if (stored === null) throw new Error('the result was not taken in');
  return { grid, holdings, artifacts, stored };
}

test('an upload that was refused tells when it is welcome again', async () => {
  const { grid, artifacts } = await arrange();
  grid.uploadsFail = true;
  const upload = () => artifacts.upload(sha256(output), output, token);
  const refused = await upload().catch((error) => error);
  expect(refused).toBeInstanceOf(UploadRefused);
  expect(refused).toMatchObject({ message: 'HTTP 503', retryAfterMs: 0 });
  grid.retryAfter = 90;
  await expect(upload()).rejects.toMatchObject({ message: 'HTTP 429', retryAfterMs: 90_000 });
});

test('an upload that is refused comes again when it was told to, and no sooner; its output is kept', async () => {
  const { grid, holdings, artifacts, stored } = await arrange();
  Object.assign(grid, { uploadsFail: true, retryAfter: 300 });
  const [uploaded, failed] = [vi.fn(), vi.fn()];
  const uploader = new Uploader(holdings, artifacts, { uploaded, failed, vanished: vi.fn() });
  uploader.session(token);
  uploader.add(stored);
  await vi.waitFor(() => expect(failed).toHaveBeenCalledWith('HTTP 429'));
  vi.advanceTimersByTime(200_000);
  await expect(artifacts.upload(sha256(output), output, token)).rejects.toThrow();
  // That one request, and none of the uploader's.
  expect(grid.requests).toHaveLength(2);
  grid.uploadsFail = false;
  vi.advanceTimersByTime(200_000);
  await vi.waitFor(() => expect(uploaded).toHaveBeenCalledWith(stored));
  uploader.session(null);
});
