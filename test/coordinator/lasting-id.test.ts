import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lastingId } from '../../coordinator/lasting-id.ts';

// Killed at its first start, or without room for it, a coordinator left an empty file, and was nameless ever after.
test('a coordinator has one id for as long as its data folder lasts, and never an empty one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mh-id-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'coordinator.id'), '');
  const id = await lastingId(folder);
  expect(id).toMatch(/^c[0-9a-f]{20}$/);
  expect(await lastingId(folder)).toBe(id);
  expect(readdirSync(folder)).toEqual(['coordinator.id']);
});
