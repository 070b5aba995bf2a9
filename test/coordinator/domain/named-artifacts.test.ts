import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { NamedArtifacts, seedBytes } from '../../../coordinator/domain/named-artifacts.ts';

const digest = (i: number, of = 'named') => createHash('sha256').update(`${of} ${i}`).digest();
const seed = (i: number) =>
  createHash('sha256').update(`seed ${i}`).digest().subarray(0, seedBytes);
const count = 20_000;
const all = Array.from({ length: count }, (_, i) => digest(i));
const strangers = Array.from({ length: count }, (_, i) => digest(i, 'stranger'));

function marked(by: number): NamedArtifacts {
  const named = new NamedArtifacts(count, seed(by));
  for (const one of all) named.add(one);
  return named;
}

test('what is named is always found, and of the rest one in a thousand at most is taken for it', () => {
  const named = marked(1);
  expect(all.every((one) => named.has(one))).toBe(true);
  expect(strangers.filter((one) => named.has(one)).length).toBeLessThan(count / 1000);
});

test('what was taken for another one is not in the round after, which has a seed of its own', () => {
  const [one, after] = [marked(1), marked(2)];
  const taken = strangers.filter((digest) => one.has(digest) && after.has(digest));
  expect(taken).toEqual([]);
});

test('digests that were chosen to be alike are told apart', () => {
  const alike = Array.from({ length: 4096 }, (_, i) => {
    const bytes = Buffer.alloc(32, 7);
    bytes.writeUInt16BE(i, 30);
    return bytes;
  });
  const named = new NamedArtifacts(alike.length, randomBytes(seedBytes));
  for (const one of alike.slice(0, 2048)) named.add(one);
  expect(alike.slice(0, 2048).every((one) => named.has(one))).toBe(true);
  expect(alike.slice(2048).filter((one) => named.has(one)).length).toBeLessThan(16);
});

test('where nothing is named nothing is found, though more be named than was foreseen all is', () => {
  const none = new NamedArtifacts(0, seed(1));
  expect(all.some((one) => none.has(one))).toBe(false);
  for (const one of all) none.add(one);
  expect(all.every((one) => none.has(one))).toBe(true);
});
