import { expect, it } from 'vitest';
import { networkAtA3, networkOf } from '../../../../coordinator/domain/trust/network.ts';

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

it('hosts whose network is not known are all of one at A3, and known ones of their own', () => {
  expect(networkAtA3('h0123456789abcdef')).toBe(networkAtA3('hfedcba9876543210'));
  expect(networkAtA3('203.0.113.0/24')).toBe('203.0.113.0/24');
  expect(networkAtA3('203.0.113.0/24')).not.toBe(networkAtA3('h0123456789abcdef'));
});
