/**
 * Who is connected, by host and by account: with ten thousand sessions, nothing that happens a thousand
 * times a second may go through all of them.
 */
import type { AccountId, HostId } from '../../protocol/ids.ts';
import type { Holder } from '../domain/lease.ts';
import type { Session } from './session.ts';

export class SessionIndex {
  private readonly all = new Set<Session>();
  private readonly byHost = new Map<HostId, Set<Session>>();
  private readonly byAccount = new Map<AccountId, Set<Session>>();
  private welcomedCount = 0;

  /** Connected, but not known yet. */
  add(session: Session): void {
    this.all.add(session);
  }

  /** It said who it is. */
  welcome(session: Session, { hostId, accountId }: Holder): void {
    this.welcomedCount++;
    addTo(this.byHost, hostId, session);
    addTo(this.byAccount, accountId, session);
  }

  /** `welcomedAs` is null when it never came to its welcome. */
  remove(session: Session, welcomedAs: Holder | null): void {
    this.all.delete(session);
    if (welcomedAs === null) return;
    this.welcomedCount--;
    removeFrom(this.byHost, welcomedAs.hostId, session);
    removeFrom(this.byAccount, welcomedAs.accountId, session);
  }

  /** In the order they came. */
  [Symbol.iterator](): IterableIterator<Session> {
    return this.all.values();
  }

  get size(): number {
    return this.all.size;
  }

  /** Hosts connected and welcomed. */
  get welcomed(): number {
    return this.welcomedCount;
  }

  ofHost(hostId: HostId): Iterable<Session> {
    return this.byHost.get(hostId) ?? [];
  }

  hasAccount(accountId: AccountId): boolean {
    return this.byAccount.has(accountId);
  }

  ofAccount(accountId: AccountId): Iterable<Session> {
    return this.byAccount.get(accountId) ?? [];
  }

  /** Whether all who are connected are of this account. */
  isAlone(accountId: AccountId): boolean {
    return this.byAccount.get(accountId)?.size === this.welcomedCount;
  }
}

function addTo<K>(index: Map<K, Set<Session>>, key: K, session: Session): void {
  const sessions = index.get(key);
  if (sessions === undefined) index.set(key, new Set([session]));
  else sessions.add(session);
}

function removeFrom<K>(index: Map<K, Set<Session>>, key: K, session: Session): void {
  const sessions = index.get(key);
  if (sessions?.delete(session) === true && sessions.size === 0) index.delete(key);
}
