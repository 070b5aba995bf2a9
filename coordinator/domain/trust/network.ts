/**
 * The network of an address: hosts of one network are likely to be of one owner, whatever their accounts
 * say. /24 for IPv4 and /48 for IPv6: what one household or one small hoster gets. Private addresses say
 * nothing: behind a proxy everybody would be a neighbour. Null then.
 */
import { hostIdSchema } from '../../../protocol/ids.ts';

export function networkOf(address: string): string | null {
  const v4 = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.\d+$/i.exec(address);
  if (v4 !== null) {
    const [a, b] = [Number(v4[1]), Number(v4[2])];
    const isPrivate =
      a === 10 ||
      a === 127 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128);
    return isPrivate ? null : `${a}.${b}.${v4[3]}.0/24`;
  }
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < 3) groups.push('0');
  const first = Number.parseInt(groups[0] ?? '', 16);
  // Global unicast is 2000::/3; all else is local, or no address.
  if (!(first >= 0x2000 && first < 0x4000)) return null;
  return `${groups.slice(0, 3).join(':')}::/48`;
}

/** A host whose network is not known stands for one of its own: see flow/know-host.ts. */
const isHostId = (network: string): boolean => hostIdSchema.safeParse(network).success;

/**
 * A network as A3 tells them apart. There two networks are a promise and no preference, so all hosts whose
 * network is not known count as one: they are near the coordinator, or behind one proxy, and one person may have all.
 */
export const networkAtA3 = (network: string): string => (isHostId(network) ? 'unknown' : network);
