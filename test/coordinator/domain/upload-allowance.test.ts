import { describe, expect, test } from 'vitest';
import {
  accountBytesMax,
  networkBytesMax,
  outputUploadBytesMax,
  scientistBytesMax,
  UploadAllowance,
  type UploadBegun,
  type Uploader,
  uploadsPerHost,
  uploadsPerNetwork,
} from '../../../coordinator/domain/upload-allowance.ts';

const gibibyte = 1024 ** 3;
const plenty = 1000 * gibibyte;
const hourMs = 3_600_000;
const largest = outputUploadBytesMax;

const aHost = (i: number, parts: { network?: string; isProven?: boolean } = {}): Uploader => ({
  kind: 'host',
  hostId: `h${i}`,
  accountId: `a${i}`,
  network: '192.0.2.0/24',
  isProven: false,
  ...parts,
});
const aScientist = (isOperator: boolean): Uploader => ({
  kind: 'scientist',
  tokenId: 't1',
  accountId: 'a1',
  isOperator,
});

/** Uploads of the largest outputs, each stored under a digest of its own, until one is refused. */
function uploadAll(
  allowance: UploadAllowance,
  by: (i: number) => Uploader,
  { room = plenty, now = 0, bytes = largest } = {},
) {
  for (let i = 0; ; i++) {
    const begun = allowance.begin(by(i), bytes, room, now);
    if ('retryAfterMs' in begun) return { uploads: i, bytes: i * bytes, ...begun };
    begun.stored(`sha256:${now} ${i}`);
  }
}

const began = (begun: object): UploadBegun => {
  expect(begun).not.toHaveProperty('retryAfterMs');
  return begun as UploadBegun;
};

describe('a host that reports what it uploads', () => {
  test('is never stopped, whatever its outputs come to', () => {
    const allowance = new UploadAllowance();
    for (let unit = 0; unit < 5000; unit++) {
      began(allowance.begin(aHost(1), largest, plenty, 0)).stored(`sha256:${unit}`);
      expect(allowance.recorded('a1', `sha256:${unit}`, `l1 ${unit}`)).toBe(true);
    }
    expect(allowance.newcomerBytes(0)).toBe(0);
    expect(allowance.bytesStored).toBe(5000 * largest);
  });

  test('may upload the same once more, when the answer was lost', () => {
    const allowance = new UploadAllowance();
    for (let i = 0; i < 1000; i++)
      began(allowance.begin(aHost(1), largest, plenty, 0)).stored('sha256:1');
    expect(allowance.newcomerBytes(0)).toBeLessThan(2 * largest);
    allowance.recorded('a1', 'sha256:1', 'l1 0');
    expect(allowance.newcomerBytes(0)).toBe(0);
  });

  test('is there for others to take its room when an upload fails', () => {
    const allowance = new UploadAllowance();
    for (let i = 0; i < 1000; i++) began(allowance.begin(aHost(1), largest, plenty, 0)).failed();
    expect(allowance.newcomerBytes(0)).toBe(0);
    expect([allowance.underWay, allowance.bytesUnderWay]).toEqual([0, 0]);
  });

  test('may be told of by another coordinator', () => {
    const allowance = new UploadAllowance();
    expect(allowance.recorded('a1', 'sha256:1', 'l1 0')).toBe(false);
    began(allowance.begin(aHost(1), largest, plenty, 0)).stored('sha256:1');
    allowance.settle('a1', 'sha256:1');
    expect(allowance.newcomerBytes(0)).toBe(0);
  });
});

describe('newcomers that report nothing', () => {
  test('are stopped by what their network owes, with new keys each time; other networks go on', () => {
    const allowance = new UploadAllowance();
    const { bytes, retryAfterMs } = uploadAll(allowance, (i) => aHost(i));
    expect(bytes).toBeLessThanOrEqual(networkBytesMax);
    expect(bytes).toBeGreaterThan(networkBytesMax - 2 * largest);
    expect(retryAfterMs).toBeGreaterThan(0);
    began(allowance.begin(aHost(1, { network: '198.51.100.0/24' }), largest, plenty, 0));
  });

  test('are stopped together, at a quarter of what is free, whatever their networks', () => {
    const allowance = new UploadAllowance();
    const room = 8 * gibibyte;
    const all = uploadAll(allowance, (i) => aHost(i, { network: `10.0.${i}.0/24` }), { room });
    expect(all.bytes).toBeLessThanOrEqual(room / 4);
    expect(all.bytes).toBeGreaterThan(room / 4 - 2 * largest);
    began(allowance.begin(aHost(1, { isProven: true }), largest, room, 0));
  });

  test('may always upload one of the largest outputs, however little is free', () => {
    const allowance = new UploadAllowance();
    began(allowance.begin(aHost(1), largest, largest, 0));
  });

  test('settle one upload with a unit of a lease, however often they report it', () => {
    const allowance = new UploadAllowance();
    for (const name of ['a', 'b', 'c']) {
      began(allowance.begin(aHost(1), largest, plenty, 0)).stored(`sha256:${name}`);
    }
    for (const name of ['a', 'b', 'c']) allowance.recorded('a1', `sha256:${name}`, 'l1 0');
    expect(allowance.newcomerBytes(0)).toBeGreaterThan(2 * largest);
    allowance.recorded('a2', 'sha256:b', 'l2 0');
    expect(allowance.newcomerBytes(0)).toBeGreaterThan(2 * largest);
  });

  test('may again when it has faded, by half in twelve hours', () => {
    const allowance = new UploadAllowance();
    const { bytes } = uploadAll(allowance, (i) => aHost(i));
    expect(uploadAll(allowance, (i) => aHost(i), { now: 1000 }).uploads).toBe(0);
    const later = uploadAll(allowance, (i) => aHost(i), { now: 12 * hourMs });
    expect(later.bytes).toBeGreaterThan(bytes / 2 - 2 * largest);
    expect(later.bytes).toBeLessThan(bytes / 2 + 2 * largest);
  });

  test('get no more by naming late what has faded', () => {
    const allowance = new UploadAllowance();
    uploadAll(allowance, () => aHost(1));
    const now = 12 * hourMs;
    began(allowance.begin(aHost(2), largest, plenty, now)).stored('sha256:new');
    const before = allowance.newcomerBytes(now);
    allowance.recorded('a1', 'sha256:0 0', 'l1 0');
    const settled = before - allowance.newcomerBytes(now);
    expect(settled).toBeGreaterThan(0.49 * largest);
    expect(settled).toBeLessThan(0.51 * largest);
  });

  test('are not let loose by a clock that is set back', () => {
    const allowance = new UploadAllowance();
    uploadAll(allowance, (i) => aHost(i), { now: 100 * hourMs });
    expect(uploadAll(allowance, (i) => aHost(i), { now: 0 }).uploads).toBe(0);
  });
});

test('proven hosts are stopped by what their account owes, and not by their neighbours', () => {
  const allowance = new UploadAllowance();
  uploadAll(allowance, (i) => aHost(i));
  const proven: Uploader = aHost(1, { isProven: true });
  const { bytes } = uploadAll(allowance, () => proven);
  expect(bytes).toBeLessThanOrEqual(accountBytesMax);
  expect(bytes).toBeGreaterThan(accountBytesMax - 2 * largest);
  began(allowance.begin(aHost(2, { isProven: true }), largest, plenty, 0));
});

test('scientists have a bound, and are told when so much fits; operators have none', () => {
  const allowance = new UploadAllowance();
  const bytes = 512 * 1024 ** 2;
  const { retryAfterMs, ...all } = uploadAll(allowance, () => aScientist(false), { bytes });
  expect(all.bytes).toBeLessThanOrEqual(scientistBytesMax);
  expect(all.bytes).toBeGreaterThan(scientistBytesMax - 2 * bytes);
  began(allowance.begin(aScientist(false), bytes, plenty, retryAfterMs)).stored('sha256:x');
  for (let i = 0; i < 1000; i++)
    began(allowance.begin(aScientist(true), bytes, plenty, 0)).stored(`sha256:${i}`);
});

describe('uploads at once', () => {
  test('are so many of a host, and of a network, and come back when they end', () => {
    const allowance = new UploadAllowance();
    const begun: UploadBegun[] = [];
    const begin = (by: Uploader) => allowance.begin(by, 1, plenty, 0);
    for (let i = 0; i < uploadsPerHost; i++) begun.push(began(begin(aHost(0))));
    expect(begin(aHost(0))).toHaveProperty('retryAfterMs');
    for (let i = uploadsPerHost; i < uploadsPerNetwork; i++) begun.push(began(begin(aHost(i))));
    expect(begin(aHost(1000))).toHaveProperty('retryAfterMs');
    began(begin(aHost(1000, { network: '198.51.100.0/24' }))).failed();
    for (const one of begun) one.failed();
    expect(allowance.underWay).toBe(0);
    for (let i = 0; i < uploadsPerHost; i++) began(begin(aHost(0)));
  });
});
