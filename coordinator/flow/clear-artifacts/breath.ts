/**
 * Work that has all day takes a breath again and again: it goes on for a moment and rests as long, so that it is felt by nobody.
 * It also ends there, when the coordinator ends or is the steward no longer.
 */
import type { Clock } from '../context.ts';

/** Throws Interrupted when it is not to go on. */
export type Breath = () => Promise<void>;

export class Interrupted extends Error {}

/** Shorter than what the event loop may be late without anybody being sent away (domain/strain.ts). */
const burstMs = 20;
/** What was slow was waiting for a disk, or for S3, most of the time. */
const restMsMax = 100;

export function takeBreath({ now, after }: Clock, mayGoOn: () => boolean): Breath {
  let since = now();
  return async () => {
    if (!mayGoOn()) throw new Interrupted();
    const tookMs = Math.abs(now() - since);
    if (tookMs < burstMs) return;
    await new Promise<void>((rested) => void after(Math.min(tookMs, restMsMax), rested));
    since = now();
  };
}
