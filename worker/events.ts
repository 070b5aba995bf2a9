/** What an agent tells as it happens: enough for a command line to print and a test to wait for. */
import type { CoordinatorMessage } from '../protocol/messages.ts';
import type { Outcome } from '../protocol/outcome.ts';
import type { NoWorkReason } from './asker.ts';
import type { UnitVerdict } from './holdings.ts';

/** As the coordinator says; or a welcome did not name a lease that was presented. */
export type CancelReason = Extract<CoordinatorMessage, { type: 'cancel' }>['reason'] | 'not_held';

export type AgentEvent =
  | {
      type: 'connected';
      /** The coordinator's. */
      url: string;
      hostId: string;
      accountId: string;
      /** True when the account was made by this very join. */
      isNewAccount: boolean;
      creditMicro: string;
      units: number;
    }
  /** From `url`; `nextUrl` is asked after that, which may be the same. */
  | { type: 'disconnected'; url: string; why: string; nextUrl: string; retryInMs: number }
  | { type: 'lease'; jobId: string; jobName: string; units: number }
  | { type: 'noWork'; reason: NoWorkReason; retryAfterMs: number | null }
  | {
      type: 'started';
      jobId: string;
      jobName: string;
      unit: number;
      /** What it had burned when it was saved; 0 when it begins. */
      fuelBefore: number;
    }
  /** A snapshot of the unit is on the disk, of so many bytes; its `fuel` need not be burned again. */
  | { type: 'saved'; jobId: string; jobName: string; unit: number; fuel: number; bytes: number }
  | {
      type: 'ended';
      jobId: string;
      jobName: string;
      unit: number;
      outcome: Outcome;
      fuel: number;
      wallMs: number;
      /** Empty on success. */
      detail: string;
    }
  | { type: 'released'; jobId: string; units: number }
  | { type: 'cancelled'; jobId: string; units: number; reason: CancelReason }
  | { type: 'recorded'; verdicts: UnitVerdict[] }
  /** Totals of the account, whatever its other hosts do. */
  | { type: 'credited'; creditMicro: string; units: number }
  | { type: 'notice'; code: string; text: string }
  /** Something on this machine is not right; the agent goes on as well as it can. */
  | { type: 'trouble'; text: string };

export type EmitEvent = (event: AgentEvent) => void;
