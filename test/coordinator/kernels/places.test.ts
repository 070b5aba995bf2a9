import { setImmediate as aMoment } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Places } from '../../../coordinator/kernels/places.ts';

test('work beyond the places waits, comes on in order, and leaves its place when it fails', async () => {
  const places = new Places(2, 3);
  const begun: number[] = [];
  const ends: ((how: 'well' | 'badly') => void)[] = [];
  const works = Array.from({ length: 5 }, (_, nth) =>
    places.during(async () => {
      begun.push(nth);
      const how = await new Promise((resolve) => ends.push(resolve));
      if (how === 'badly') throw new Error(`${nth}`);
      return nth;
    }),
  );
  const settled = Promise.allSettled(works);
  await aMoment();
  expect(begun).toEqual([0, 1]);
  ends[1]?.('badly');
  await aMoment();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.('well');
  ends[2]?.('well');
  await aMoment();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  for (const end of ends.slice(3)) end('well');
  const values = (await settled).map((each) =>
    each.status === 'fulfilled' ? each.value : 'failed',
  );
  expect(values).toEqual([0, 'failed', 2, 3, 4]);
});

test('who finds too many waiting is told to come again, and takes nobody’s place', async () => {
  const places = new Places(1, 2);
  let end = (): void => {};
  const first = places.during(() => new Promise<void>((resolve) => (end = resolve)));
  const waiting = [1, 2].map((nth) => places.during(async () => nth));
  await expect(places.during(async () => 3)).rejects.toMatchObject({ code: 'busy' });
  end();
  await first;
  expect(await Promise.all(waiting)).toEqual([1, 2]);
  expect(await places.during(async () => 4)).toBe(4);
});
