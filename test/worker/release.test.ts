import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { release } from '../../worker/release.ts';

test('a worker says the version that its package has', () => {
  const manifest = new URL('../../package.json', import.meta.url);
  expect(release).toBe(JSON.parse(readFileSync(manifest, 'utf8')).version);
});
