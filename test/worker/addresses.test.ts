/** Which coordinator a worker asks next, and when. */
import { expect, test } from 'vitest';
import { Addresses } from '../../worker/addresses.ts';

const always = (value: number) => () => value;
/** Whom it asks in so many tries in vain, and how long it waits before each but the first. */
function triesOf(addresses: Addresses, count: number): [string, number][] {
  return Array.from({ length: count }, () => {
    const waitMs = addresses.next();
    return [addresses.current, waitMs];
  });
}

test('one that is alone is asked again after a back-off that doubles', () => {
  expect(triesOf(new Addresses(['a'], always(0)), 3)).toEqual([
    ['a', 500],
    ['a', 1000],
    ['a', 2000],
  ]);
});

test('all are asked, one soon after the other, before there is a back-off', () => {
  expect(triesOf(new Addresses(['a', 'b', 'c'], always(0.5), 0), 7)).toEqual([
    ['b', 250],
    ['c', 250],
    ['a', 750],
    ['b', 250],
    ['c', 250],
    ['a', 1500],
    ['b', 250],
  ]);
});

test('one that was good for a while is left for the next one soon, whatever was in vain before', () => {
  const addresses = new Addresses(['a', 'b'], always(0.5), 0);
  triesOf(addresses, 5);
  expect(addresses.current).toBe('b');
  addresses.held();
  expect(addresses.areLeft).toBe(true);
  expect(triesOf(addresses, 1)).toEqual([['a', 250]]);
});

test('workers that were given the same list begin all over it', () => {
  const first = (drawn: number) => new Addresses(['a', 'b', 'c'], always(drawn)).current;
  expect([0, 0.4, 0.99].map(first)).toEqual(['a', 'b', 'c']);
});
