/**
 * How much may be uploaded. An upload is on credit until a recorded result names it:
 *
 *   begin ─► under way ─ stored ─► owed ─ a result of the account names it ─► (settled)
 *                 │                  └─ nobody ever does ─► fades, half of it in twelve hours
 *                 └─ failed ─► (given back)
 *
 * Whoever reports what it uploads owes for seconds, whatever its job's outputs are like, and is never stopped. Whoever
 * uploads and reports nothing is stopped when what it owes is as much as it may: newcomers by what their network owes, and by what all
 * newcomers owe together, because keys cost nothing; hosts that have passed their probation by what their account does.
 *
 * Each unit of a lease settles one upload, however often it is reported; so what stays for good is one output for each
 * unit that was granted. What an upload counts for does not depend on what is stored here already: that is nobody's to find out.
 *
 * In memory, each coordinator for itself: after a restart nobody owes anything.
 */
import type { AccountId, Digest, HostId, TokenId } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { outputFramingBytesMax } from '../../protocol/output.ts';
import { remember } from './remember.ts';

export type Uploader =
  | {
      kind: 'host';
      hostId: HostId;
      accountId: AccountId;
      network: string | null;
      isProven: boolean;
    }
  | { kind: 'scientist'; tokenId: TokenId; accountId: AccountId; isOperator: boolean };

/** One that may go on; to be ended once. */
export type UploadBegun = { stored(digest: Digest): void; failed(): void };
export type UploadRefused = { retryAfterMs: number };

const gibibyte = 1024 ** 3;
export const outputUploadBytesMax = limits.outputBytesMax + outputFramingBytesMax;

/** Of a network's newcomers: sixty of the largest outputs there are, or four thousand of the usual bound of a megabyte. */
export const networkBytesMax = 4 * gibibyte;
/** Of a proven account: a laboratory of a hundred machines with two of the largest outputs each on their way. */
export const accountBytesMax = 16 * gibibyte;
/** Of all newcomers, whatever their networks: sixteen networks that do their worst. */
const newcomersBytesMax = 64 * gibibyte;
/** And never more than this part of what is free: most of it is for those who are known. */
const newcomersShare = 1 / 4;
/** Of a scientist, whose token somebody gave them: two jobs with all the files that a document may name. Operators have no bound. */
export const scientistBytesMax = 2 * limits.filesMax * limits.artifactBytesMax;
/** What nobody names fades: half in twelve hours, so that a network that was at its bound has half of it again the same day. */
const halfLifeMs = 12 * 3_600_000;
/** A file costs a block and an inode, and what is remembered of it, however short it is. */
const fileBytes = 4096;

/** A worker has two under way; of a connection that was lost two more may linger. */
export const uploadsPerHost = 4;
/** An eighth of the sessions of a network, and of all. Those that find no room come again in a moment. */
export const uploadsPerNetwork = 128;
const uploadsOfHosts = 2048;
/** A program that uploads its inputs side by side. */
const uploadsPerToken = 16;

/** Uploads that nobody has named yet, of which it is known whose they are; of older ones that fades. 13 MB. */
const owedMax = 65_536;

/** A worker that is refused has others to try, and what is owed is most often named within seconds. */
const namedSoonMs = 30_000;
const roomSoonMs = 2000;

type Payer = { name: string; bytesMax: number };
type Owed = { payers: Payer[]; bytes: number; at: number };

export class UploadAllowance {
  /** How many are under way, by whose they are. */
  private readonly counts = new Map<string, number>();
  private readonly levels = new Map<string, { bytes: number; at: number }>();
  private readonly newcomers = { bytes: 0, at: 0 };
  private readonly owed = new Map<string, Owed>();
  /** Units of leases that have settled theirs. */
  private readonly settled = new Map<string, true>();
  /** Announced by uploads that are under way. */
  bytesUnderWay = 0;
  underWay = 0;
  bytesStored = 0;

  /** What newcomers have uploaded, or are about to, and no result has named. */
  newcomerBytes(now: number): number {
    return faded(this.newcomers, now);
  }

  /** `freeBytes`: of the disk that it would fill, as far as it may be filled. */
  begin(
    uploader: Uploader,
    announcedBytes: number,
    freeBytes: number,
    now: number,
  ): UploadBegun | UploadRefused {
    const counted = countedOf(uploader);
    if (counted.some(({ name, max }) => (this.counts.get(name) ?? 0) >= max))
      return { retryAfterMs: roomSoonMs };
    const bytes = announcedBytes + fileBytes;
    const payers = payersOf(uploader, freeBytes);
    const waitMs = Math.max(0, ...payers.map((payer) => this.waitMs(payer, bytes, now)));
    if (waitMs > 0)
      return { retryAfterMs: uploader.kind === 'host' ? namedSoonMs : Math.ceil(waitMs) };

    for (const { name } of counted) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    for (const payer of payers) this.add(payer, bytes, now);
    this.bytesUnderWay += bytes;
    this.underWay++;
    const end = () => {
      for (const { name } of counted) this.countDown(name);
      this.bytesUnderWay -= bytes;
      this.underWay--;
    };
    const owed = { payers, bytes, at: now };
    return {
      stored: (digest) => {
        end();
        this.bytesStored += announcedBytes;
        if (uploader.kind === 'host') this.owe(nameOf(uploader.accountId, digest), owed);
      },
      failed: () => {
        end();
        this.giveBack(owed);
      },
    };
  }

  /**
   * A result of that unit (its lease, and where in it) was recorded, and names the output. False when no such upload is
   * known here: then another coordinator may know it.
   */
  recorded(accountId: AccountId, digest: Digest, unit: string): boolean {
    if (this.settled.has(unit)) return true;
    remember(this.settled, unit, true);
    return this.settle(accountId, digest);
  }

  /** The output is named, by all that is known. */
  settle(accountId: AccountId, digest: Digest): boolean {
    const name = nameOf(accountId, digest);
    const owed = this.owed.get(name);
    if (owed === undefined) return false;
    this.owed.delete(name);
    this.giveBack(owed);
    return true;
  }

  private owe(name: string, owed: Owed): void {
    const before = this.owed.get(name);
    // The same bytes once more, after an answer that was lost.
    if (before !== undefined) this.giveBack(before);
    this.owed.delete(name);
    this.owed.set(name, owed);
    const [oldest] = this.owed.keys();
    if (this.owed.size > owedMax && oldest !== undefined) this.owed.delete(oldest);
  }

  /** How long until so many bytes fit, if nothing is named; 0 when they do. */
  private waitMs(payer: Payer, bytes: number, now: number): number {
    const level = faded(this.levelOf(payer), now);
    if (level + bytes <= payer.bytesMax) return 0;
    const left = Math.max(payer.bytesMax - bytes, 1);
    return halfLifeMs * Math.log2(level / left);
  }

  private add(payer: Payer, bytes: number, now: number): void {
    const level = this.levelOf(payer);
    level.bytes = faded(level, now) + bytes;
    level.at = now;
    if (level !== this.newcomers) remember(this.levels, payer.name, level);
  }

  /** As much of it as has not faded. */
  private giveBack({ payers, bytes, at }: Owed): void {
    for (const payer of payers) {
      const level = this.levelOf(payer);
      // Both faded alike since: told as of the time that the level is of.
      level.bytes = Math.max(0, level.bytes - faded({ bytes, at }, level.at));
    }
  }

  private levelOf({ name }: Payer): { bytes: number; at: number } {
    return name === allNewcomers ? this.newcomers : (this.levels.get(name) ?? { bytes: 0, at: 0 });
  }

  private countDown(name: string): void {
    const left = (this.counts.get(name) ?? 0) - 1;
    if (left > 0) this.counts.set(name, left);
    else this.counts.delete(name);
  }
}

const allNewcomers = 'newcomers';

/** Who has to have room for it. */
function payersOf(uploader: Uploader, freeBytes: number): Payer[] {
  const { accountId } = uploader;
  if (uploader.kind === 'scientist')
    return uploader.isOperator
      ? []
      : [{ name: `scientist ${accountId}`, bytesMax: scientistBytesMax }];
  if (uploader.isProven) return [{ name: `account ${accountId}`, bytesMax: accountBytesMax }];
  const share = Math.min(newcomersBytesMax, freeBytes * newcomersShare);
  // A network that is not known is the account's own, as everywhere.
  return [
    { name: `network ${uploader.network ?? accountId}`, bytesMax: networkBytesMax },
    { name: allNewcomers, bytesMax: Math.max(share, outputUploadBytesMax + fileBytes) },
  ];
}

/** Of whom only so many may be under way. */
function countedOf(uploader: Uploader): { name: string; max: number }[] {
  if (uploader.kind === 'scientist')
    return [{ name: `token ${uploader.tokenId}`, max: uploadsPerToken }];
  const { hostId, network } = uploader;
  return [
    { name: `host ${hostId}`, max: uploadsPerHost },
    ...(network === null ? [] : [{ name: `network ${network}`, max: uploadsPerNetwork }]),
    { name: 'hosts', max: uploadsOfHosts },
  ];
}

const nameOf = (accountId: AccountId, digest: Digest): string => `${accountId} ${digest}`;

/** A clock that was set back lets nothing grow. */
const faded = ({ bytes, at }: { bytes: number; at: number }, now: number): number =>
  bytes * 2 ** (-Math.max(0, now - at) / halfLifeMs);
