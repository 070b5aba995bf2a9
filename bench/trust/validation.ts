/** A policy of validation, as the simulated grid knows it: hands out units, hears answers. */
import type { Machine } from './population.ts';

export type Validation = {
  /** The unit this host is to run, or null when there is nothing for it now. */
  next(machine: Machine, now: number): number | null;
  hear(machine: Machine, unit: number, answer: number, now: number): void;
  /** Whether the policy refuses this host work for what it did. */
  isRefused(machine: Machine, now: number): boolean;
  /** The machine goes on under a new identity. */
  renamed(machine: Machine, now: number): void;
  /** Every unit has its canonical answer, and nothing is to be looked at again. */
  readonly isDone: boolean;
  /** Whether scientists get the right answer in the end. */
  canonicalIsRight(unit: number): boolean;
};
