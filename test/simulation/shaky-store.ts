/**
 * A coordinator's connection to the store, as shaky as the weather. A step that is lost throws
 * OutcomeUnknown, whether it happened or not; while Redis refuses, writes throw StorageRefuses. Steps
 * of one connection happen in the order they were sent, replies come in the same order. Only a step
 * that is `late` breaks out: its connection died with it still on the way.
 *
 * A process that dies takes its replies with it, but not the steps that it has sent.
 */
import type { AccountStore } from '../../coordinator/store/account-store.ts';
import type { ArchiveFiles } from '../../coordinator/store/archive-files.ts';
import type { ArchiveStore } from '../../coordinator/store/archive-store.ts';
import type { GridStore } from '../../coordinator/store/grid-store.ts';
import type { JobStore } from '../../coordinator/store/job-store.ts';
import type { LedgerStore } from '../../coordinator/store/ledger-store.ts';
import type { PeerStore } from '../../coordinator/store/peer-store.ts';
import { OutcomeUnknown, StorageRefuses, type Store } from '../../coordinator/store/store.ts';
import type { TrustStore } from '../../coordinator/store/trust-store.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import type { SimClock } from './sim-clock.ts';
import type { Weather } from './weather.ts';

/** One way: a socket on the same machine, or a rack away. */
const tripMsMax = 2;
/** Up to an fsync behind a busy disk. */
export const lateMsMax = 8000;
/** What a step that was lost takes to be given up: most connections break at once, some time out. */
const giveUpMsMax = 5000;

const writes: ReadonlySet<string> = new Set<
  | keyof Store
  | keyof GridStore
  | keyof PeerStore
  | keyof AccountStore
  | keyof JobStore
  | keyof LedgerStore
  | keyof TrustStore
  | keyof ArchiveStore
  | keyof ArchiveFiles
>([
  'open',
  'meet',
  'leave',
  'leaseKeys',
  'beginClearing',
  'enrolHost',
  'submit',
  'cancel',
  'pause',
  'resume',
  'curate',
  'moveHold',
  'settleLate',
  'noteLate',
  'openShard',
  'openCheck',
  'amend',
  'append',
  'writeGroup',
  'letGo',
  'writeJob',
  'letJobGo',
  'forgetStanding',
  'trimList',
  'post',
  'beginTerm',
  'moveArchive',
  'write',
  'trimOutbox',
]);

const streams: ReadonlySet<string> = new Set<keyof ArchiveFiles>(['jobIds', 'readGroup']);

type Parts = { clock: SimClock; life: Life; weather: Weather; random: Random };
type Step = (...args: unknown[]) => Promise<unknown>;

export function shakyStore(store: Store, parts: Parts): Store {
  return shaky(store, new Connection(parts));
}

/** The parts of a store share its connection. */
function shaky<Part extends object>(part: Part, connection: Connection): Part {
  return new Proxy(part, {
    get(target, name) {
      const step = Reflect.get(target, name) as Step | object | null | undefined;
      if (typeof step === 'object' && step !== null) return shaky(step, connection);
      if (typeof step !== 'function') return step;
      // On a disk, not in Redis, and read piece by piece.
      if (streams.has(String(name))) return (...args: unknown[]) => step.apply(target, args);
      return (...args: unknown[]) => {
        // As they are now: on a real connection they would be bytes already.
        const sent = name === 'append' ? structuredClone(args) : args;
        return connection.run(String(name), () => step.apply(target, sent));
      };
    },
  });
}

class Connection {
  private readonly parts: Parts;
  private lastStepAt = 0;
  private lastReplyAt = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  run(name: string, step: () => Promise<unknown>): Promise<unknown> {
    const { clock, life, weather, random } = this.parts;
    return new Promise((resolve, reject) => {
      const reply = (settle: () => void): void => {
        this.lastReplyAt = Math.max(this.lastReplyAt, clock.now + this.tripMs());
        clock.at(this.lastReplyAt, () => life.reach(settle));
      };
      const lose = (): void => {
        const error = new OutcomeUnknown(`the reply to ${name} was lost`);
        clock.after(random.skewed(1, giveUpMsMax), () => life.reach(() => reject(error)));
      };
      const fate = weather.fate();
      if (weather.isRedisDown || fate === 'lost_before') return lose();
      if (fate === 'late') {
        clock.after(random.skewed(1, lateMsMax), () => void step().catch(unheard));
        return lose();
      }
      this.lastStepAt = Math.max(this.lastStepAt, clock.now + this.tripMs());
      clock.at(this.lastStepAt, () => {
        if (weather.isRedisDown) return lose();
        if (weather.isRefusing && writes.has(name)) {
          return reply(() => reject(new StorageRefuses('MISCONF the disk is full')));
        }
        void step().then(
          (value) => {
            if (fate === 'lost_after') lose();
            else reply(() => resolve(value));
          },
          (error) => reply(() => reject(error)),
        );
      });
    });
  }

  private tripMs(): number {
    return this.parts.random.fraction() * tripMsMax;
  }
}

/** Nobody listens to the reply of a step that was given up. */
const unheard = (): void => {};
