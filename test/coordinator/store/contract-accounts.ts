/** What every store promises of hosts, teams and links (coordinator/store/account-store.ts). */
import { expect, it } from 'vitest';
import { accountId, teamId } from '../builders.ts';
import { aHost, type OpenStore, withStore } from './arrange.ts';

const aTeam = (number: number, founder = number) => ({
  teamId: teamId(number),
  name: `Team ${number}`,
  founder: accountId(founder),
  foundedAt: 100 + number,
});

const by = { hostKey: 'a host', hostName: 'laptop' };

export function accountContract(open: OpenStore): void {
  it(
    'hosts that were written down are listed, a page at a time',
    withStore(open, async (store) => {
      const hosts = [1, 2, 3].map((nth) => aHost(nth, nth, `number ${nth}`));
      for (const host of hosts) await store.accounts.enrolHost(host, true);
      await store.accounts.enrolHost(aHost(4, 4, 'a stranger'), false);
      const listed: string[] = [];
      for (let cursor: string | null = '0'; cursor !== null; ) {
        const page = await store.accounts.listHosts(cursor, 2);
        listed.push(...page.hosts.map(({ name }) => name));
        cursor = page.next;
      }
      expect([...new Set(listed)].sort()).toEqual(hosts.map(({ name }) => name));
    }),
  );

  it(
    'a host’s country is what it said when it was written down, and never another',
    withStore(open, async ({ accounts }) => {
      const of = (nth: number, country?: string) => ({ ...aHost(nth, nth, 'a host'), country });
      await accounts.enrolHost(of(1, 'DE'), true);
      await accounts.enrolHost(of(1, 'FR'), true);
      await accounts.enrolHost(of(1), false);
      await accounts.enrolHost(of(2), true);
      await accounts.enrolHost(of(2, 'FR'), true);
      await accounts.enrolHost(of(3, 'IT'), false);
      const hostIds = [1, 2, 3].map((nth) => aHost(nth, nth, '').hostId);
      expect(await accounts.countriesOf(hostIds)).toEqual(['DE', null, null]);
    }),
  );

  it(
    'a host that is not to be remembered leaves nothing behind; one that is known says its new name',
    withStore(open, async ({ accounts }) => {
      expect(await accounts.enrolHost(aHost(1, 1, 'a stranger'), false)).toBe('new');
      expect(await accounts.names([accountId(1)])).toEqual(['']);
      expect(await accounts.enrolHost(aHost(1, 2, 'another account'), true)).toBe('known');
      expect(await accounts.enrolHost(aHost(1, 2, 'renamed'), false)).toBe('known');
      expect(await accounts.names([accountId(2)])).toEqual(['renamed']);
    }),
  );

  it(
    'a host belongs to the account it first came with',
    withStore(open, async ({ accounts }) => {
      const host = aHost(1, 1, 'first');
      expect(await accounts.enrolHost(host, true)).toBe('known');
      expect(await accounts.enrolHost(host, true)).toBe('known');
      for (const remember of [true, false]) {
        const theirs = { ...host, accountId: accountId(2) };
        expect(await accounts.enrolHost(theirs, remember)).toBe('other_account');
      }
      expect(await accounts.enrolHost(aHost(2, 1, 'second host'), true)).toBe('known');
    }),
  );

  it(
    'a team is founded once under its name, with its founder in it, and so many by one account',
    withStore(open, async ({ accounts }) => {
      expect(await accounts.findTeam('one')).toBeNull();
      expect(await accounts.foundTeam(aTeam(1), 'one', 2)).toBe('founded');
      expect(await accounts.foundTeam(aTeam(1), 'one', 2)).toBe('founded');
      expect(await accounts.findTeam('one')).toEqual({ ...aTeam(1), members: 1 });
      expect(await accounts.foundTeam(aTeam(2), 'one', 2)).toBe('taken');
      expect(await accounts.foundTeam(aTeam(3, 1), 'three', 2)).toBe('founded');
      expect(await accounts.foundTeam(aTeam(4, 1), 'four', 2)).toBe('too_many');
      expect(await accounts.findTeam('one')).toMatchObject({ members: 0 });
      expect(await accounts.findTeam('four')).toBeNull();
      expect(await accounts.teamsOf([accountId(1), accountId(2)])).toEqual([teamId(3), null]);
    }),
  );

  it(
    'an account is in one team at a time, and the sizes follow',
    withStore(open, async ({ accounts }) => {
      await accounts.foundTeam(aTeam(1), 'one', 5);
      await accounts.foundTeam(aTeam(2), 'two', 5);
      const sizes = async () => [
        (await accounts.findTeam('one'))?.members,
        (await accounts.findTeam('two'))?.members,
      ];
      expect(await accounts.moveToTeam(accountId(3), teamId(1))).toBe(true);
      expect(await accounts.moveToTeam(accountId(3), teamId(1))).toBe(true);
      expect(await sizes()).toEqual([2, 1]);
      expect(await accounts.moveToTeam(accountId(3), teamId(2))).toBe(true);
      expect(await sizes()).toEqual([1, 2]);
      expect(await accounts.moveToTeam(accountId(3), teamId(9))).toBe(false);
      expect(await accounts.teamsOf([accountId(3)])).toEqual([teamId(2)]);
      expect(await accounts.moveToTeam(accountId(3), null)).toBe(true);
      expect(await accounts.moveToTeam(accountId(3), null)).toBe(true);
      expect(await sizes()).toEqual([1, 1]);
      expect(await accounts.teamsOf([])).toEqual([]);
    }),
  );

  it(
    'a link is redeemed by one host that has the code, certified, and read by the code alone',
    withStore(open, async ({ accounts }) => {
      const code = 'AAAA1111';
      expect(await accounts.redeemLink(code, by, 0, 3)).toBe('unknown');
      expect(await accounts.offerLink({ code, expiresAt: 100 }, 0, 60_000, 10)).toBe('offered');
      expect(await accounts.certifyLink(code, { accountKey: 'k', certificate: 'c' })).toBe(false);
      expect(await accounts.redeemLink(code, by, 99, 3)).toBe('redeemed');
      expect(await accounts.redeemLink(code, by, 99, 3)).toBe('redeemed');
      expect(await accounts.redeemLink(code, { ...by, hostKey: 'other' }, 99, 3)).toBe('used');
      expect(await accounts.redeemLink(code, by, 100, 3)).toBe('expired');
      expect(await accounts.certifyLink(code, { accountKey: 'k', certificate: 'c' })).toBe(true);
      const facts = { code, expiresAt: 100, ...by, accountKey: 'k', certificate: 'c' };
      expect(await accounts.readLink(code)).toEqual(facts);
      expect(await accounts.readLink('AAAA2222')).toBeNull();
    }),
  );

  it(
    'a link is locked by wrong tries, and no more are open at once than may be',
    withStore(open, async ({ accounts }) => {
      const offer = (code: string, now: number) =>
        accounts.offerLink({ code, expiresAt: now + 100 }, now, 60_000, 2);
      expect(await offer('AAAA1111', 0)).toBe('offered');
      expect(await offer('AAAA2222', 0)).toBe('taken');
      expect(await offer('BBBB1111', 0)).toBe('offered');
      expect(await offer('CCCC1111', 99)).toBe('too_many');
      expect(await offer('CCCC1111', 100)).toBe('offered');
      expect(await accounts.redeemLink('AAAA9999', by, 1, 2)).toBe('wrong');
      expect(await accounts.redeemLink('AAAA9999', by, 1, 2)).toBe('wrong');
      expect(await accounts.redeemLink('AAAA1111', by, 1, 2)).toBe('locked');
    }),
  );
}
