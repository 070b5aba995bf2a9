import { expect, it } from 'vitest';
import { networkOf } from '../../../../coordinator/domain/trust/network.ts';

it.each([
  ['203.0.113.7', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.0/24'],
  ['2001:db8:1:2::3', '2001:db8:1::/48'],
  ['2001:db8::3', '2001:db8:0::/48'],
])('%s is of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

it.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.20.0.1',
  '192.168.1.2',
  '100.64.0.1',
  '::1',
  'fe80::1',
  'fd00::1',
  '',
])('%s tells of no network', (address) => {
  expect(networkOf(address)).toBe(null);
});
