/** Looks how strained this process is, twice a second: domain/strain.ts says what that means. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Strain, StrainGauge } from './domain/strain.ts';

export type StrainWatch = { readonly level: Strain; close(): void };

export type StrainParts = {
  /** The longest that a commit has taken since it was last asked, or is taking. */
  commitMs(): number;
  changed(level: Strain, waits: { loopMs: number; commitMs: number }): void;
};

const lookMs = 500;
/** 25 samples a look, which cost nothing that could be measured. */
const sampleMs = 20;

export function watchStrain({ commitMs, changed }: StrainParts): StrainWatch {
  const gauge = new StrainGauge();
  const delays = monitorEventLoopDelay({ resolution: sampleMs });
  delays.enable();
  const timer = setInterval(() => {
    // The one in the middle: a collection of garbage is not strain. What is measured is from one sample to the next.
    const loopMs = Math.max(0, delays.percentile(50) / 1e6 - sampleMs);
    delays.reset();
    const waits = { loopMs: Math.round(loopMs), commitMs: commitMs() };
    const before = gauge.level;
    const level = gauge.look(waits);
    if (level !== before) changed(level, waits);
  }, lookMs);
  return {
    get level() {
      return gauge.level;
    },
    close() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
