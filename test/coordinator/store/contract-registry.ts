/** What every store promises of tokens, bans, settings and the audit log (coordinator/store/registry.ts). */
import { expect, it } from 'vitest';
import { accountId, hostId, tokenId } from '../builders.ts';
import { type OpenStore, withStore } from './arrange.ts';

const aToken = (number: number, createdAt = number) => ({
  tokenId: tokenId(number),
  name: `token ${number}`,
  scopes: ['submit' as const],
  accountId: accountId(number),
  createdAt,
  expiresAt: number % 2 === 0 ? 9000 : null,
  revokedAt: null,
});

const aLine = (number: number) => ({
  at: 1000 + number,
  act: 'token_create' as const,
  target: tokenId(number),
  detail: '',
  reason: `reason ${number}`,
  tokenId: tokenId(0),
  tokenName: 'operator',
});

export function registryContract(open: OpenStore): void {
  it(
    'a token is found by its hash, an unknown one is not',
    withStore(open, async ({ registry }) => {
      await registry.saveToken('abc', aToken(1));
      expect(await registry.findToken('abc')).toEqual(aToken(1));
      expect(await registry.findToken('abd')).toBeNull();
    }),
  );

  it(
    'tokens are listed oldest first',
    withStore(open, async ({ registry }) => {
      expect(await registry.listTokens()).toEqual([]);
      for (const [number, at] of [
        [1, 30],
        [2, 10],
        [3, 20],
      ] as const) {
        await registry.saveToken(`hash ${number}`, aToken(number, at));
      }
      expect((await registry.listTokens()).map((facts) => facts.createdAt)).toEqual([10, 20, 30]);
    }),
  );

  it(
    'a token is revoked by its id, once and alone',
    withStore(open, async ({ registry }) => {
      await registry.saveToken('one', aToken(1));
      await registry.saveToken('two', aToken(2));
      expect(await registry.revokeToken(tokenId(1), 500)).toEqual({ ...aToken(1), revokedAt: 500 });
      expect(await registry.revokeToken(tokenId(1), 600)).toMatchObject({ revokedAt: 500 });
      expect(await registry.revokeToken(tokenId(3), 600)).toBeNull();
      expect(await registry.findToken('one')).toMatchObject({ revokedAt: 500 });
      expect(await registry.findToken('two')).toMatchObject({ revokedAt: null });
    }),
  );

  it(
    'acts are read newest first, a page at a time, each once',
    withStore(open, async ({ registry }) => {
      expect(await registry.readActs(null, 10)).toEqual([]);
      for (const number of [1, 2, 3, 4, 5]) await registry.logAct(aLine(number));
      const seen: string[] = [];
      for (let before: string | null = null; ; ) {
        const page = await registry.readActs(before, 2);
        if (page.length === 0) break;
        for (const { entryId, ...line } of page) {
          expect(line).toEqual(aLine(line.at - 1000));
          seen.push(line.reason);
          before = entryId;
        }
      }
      expect(seen).toEqual([5, 4, 3, 2, 1].map((number) => `reason ${number}`));
    }),
  );

  it(
    'hosts and accounts are banned by their id, each with its reason, until they are not',
    withStore(open, async ({ registry }) => {
      const ban = { reason: 'noise', since: 5 };
      expect(await registry.findBan([hostId(1), accountId(1)])).toBeNull();
      await registry.ban(accountId(1), ban);
      expect(await registry.findBan([hostId(1), accountId(1)])).toEqual(ban);
      expect(await registry.findBan([hostId(1), accountId(2)])).toBeNull();
      expect(await registry.bans()).toEqual(new Map([[accountId(1), ban]]));
      expect(await registry.unban(accountId(1))).toBe(true);
      expect(await registry.unban(accountId(1))).toBe(false);
      expect(await registry.findBan([accountId(1)])).toBeNull();
    }),
  );

  it(
    'kernels are disabled by their digest until they are enabled',
    withStore(open, async ({ registry }) => {
      const digest = `sha256:${'0'.repeat(64)}`;
      expect(await registry.disabledKernels()).toEqual(new Map());
      await registry.disableKernel(digest, { reason: 'mines', since: 5 });
      const disabled = new Map([[digest, { reason: 'mines', since: 5 }]]);
      expect(await registry.disabledKernels()).toEqual(disabled);
      expect(await registry.enableKernel(digest)).toBe(true);
      expect(await registry.enableKernel(digest)).toBe(false);
      expect(await registry.disabledKernels()).toEqual(new Map());
    }),
  );

  it(
    'settings begin without limits, keep all their digits, and can be lifted',
    withStore(open, async ({ registry }) => {
      expect(await registry.settings()).toMatchObject({ mintDailyMicro: null });
      await registry.changeSettings({ mintDailyMicro: 999_999_999_999_999_999n });
      expect(await registry.settings()).toMatchObject({ mintDailyMicro: 999_999_999_999_999_999n });
      await registry.changeSettings({});
      expect(await registry.settings()).toMatchObject({ mintDailyMicro: 999_999_999_999_999_999n });
      await registry.changeSettings({ allowanceMicro: 0n });
      expect(await registry.settings()).toMatchObject({ allowanceMicro: 0n });
      await registry.changeSettings({ mintDailyMicro: null });
      expect(await registry.settings()).toMatchObject({ mintDailyMicro: null });
    }),
  );
}
