/** The hosts of the grid for its operator: those that are connected, then all others that have worked here. */
import {
  type BanView,
  type HostList,
  type HostSession,
  type HostView,
  noSession,
} from '../../protocol/hosts.ts';
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { HostRecord } from '../domain/trust/docket.ts';
import { type Reliability, stranger } from '../domain/trust/reliability.ts';
import { reputeOf } from '../domain/trust/repute.ts';
import type { ListedHost } from '../store/account-store.ts';
import type { Context } from './context.ts';

/** A host that is connected here. */
export type ConnectedHost = ListedHost & HostSession & { isAsking: boolean };

/** A page of those that are not connected; what Redis reads in a millisecond or two. */
const hostsPerPage = 500;

/** Without `after` the connected ones come first; further pages have those that are away. */
export async function listHosts(
  context: Context,
  here: { count: number; connected: readonly ConnectedHost[] },
  bans: readonly BanView[],
  after: string | null,
): Promise<HostList> {
  const isHere = new Set(here.connected.map(({ hostId }) => hostId));
  const { hosts: known, next } = await context.store.accounts.listHosts(after ?? '0', hostsPerPage);
  const away = known.filter(({ hostId }) => !isHere.has(hostId));
  const listed = after === null ? [...here.connected, ...away] : away;
  const records = await readRecords(context, listed);
  const banned = new Set(bans.map(({ id }) => id));
  const { holders } = context.window;
  const hosts = listed.map((host) => {
    const isBanned = banned.has(host.hostId) || banned.has(host.accountId);
    const hasWork = holders.has(host.hostId);
    return toView(host, records, { isBanned, hasWork, now: context.now() });
  });
  return { connected: here.count, hosts, bans: [...bans], more: next };
}

type Records = { hosts: Map<HostId, HostRecord>; accounts: Map<AccountId, Reliability> };

async function readRecords({ store }: Context, listed: readonly ListedHost[]): Promise<Records> {
  return {
    hosts: await store.trust.read(
      'hosts',
      listed.map(({ hostId }) => hostId),
    ),
    accounts: await store.trust.read(
      'accounts',
      listed.map(({ accountId }) => accountId),
    ),
  };
}

function toView(
  listed: ListedHost | ConnectedHost,
  { hosts, accounts }: Records,
  { isBanned, hasWork, now }: { isBanned: boolean; hasWork: boolean; now: number },
): HostView {
  const { hostId, accountId, name } = listed;
  const known = hosts.get(hostId);
  const record = known?.record ?? stranger(now);
  const account = accounts.get(accountId) ?? stranger(now);
  const identity = { isAnchor: known?.isAnchor ?? false, host: record, account };
  const repute = reputeOf(identity, now);
  const session = 'isAsking' in listed ? listed : null;
  const state = () => {
    if (isBanned) return 'banned';
    if (repute === 'quarantined') return 'quarantined';
    if (session === null) return 'away';
    return session.isAsking || hasWork ? 'connected' : 'paused';
  };
  const { results, passed, wrong, lastSeenAt } = record;
  return {
    hostId,
    accountId,
    name,
    state: state(),
    repute,
    results,
    passed,
    wrong,
    lastResultAt: results === 0 ? null : new Date(lastSeenAt).toISOString(),
    ...(session === null ? noSession : sessionOf(session)),
  };
}

const sessionOf = ({
  platform,
  version,
  cores,
  memoryBytes,
  connectedSince,
}: HostSession): HostSession => ({ platform, version, cores, memoryBytes, connectedSince });
