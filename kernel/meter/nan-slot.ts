/** What is known of a value on the operand stack, as far as NaNs go: see `nan-flow.ts`. */
import { NO_LOCAL } from './nan-locals.ts';
import type { Shape } from './nan-roles.ts';
import type { FloatLoad } from './nan-stores.ts';

/** A value on the stack. */
export interface Slot {
  /** As instructions see it now. */
  shape: Shape;
  /** Behind the instruction that put it there, and its shape then. */
  at: number;
  first: Shape;
  /** From which local it was got, and is loose only if that is. */
  local: number;
  isSigned: boolean;
  /** The loads that it came with, lane by lane; its bits are to be kept. */
  loads: readonly FloatLoad[];
  /** The place of the instruction it came of; 0 if that is not known. Equal for equal values in straight code. */
  id: number;
  /** Of a sum or a difference, which values it is of; else empty. */
  terms: string;
}

/** Its bits are the same everywhere. */
export const FIRM: Slot = {
  shape: 0,
  at: 0,
  first: 0,
  local: NO_LOCAL,
  isSigned: false,
  loads: [],
  id: 0,
  terms: '',
};
/** No NaN at all; does no harm among loose values. */
export const NUMBER: Slot = { ...FIRM };

/** Made by arithmetic, or got from a local; which need not have been put there by arithmetic. */
export const isLoose = (value: Slot): boolean =>
  value !== FIRM && value !== NUMBER && value.loads.length === 0;

/** Made by arithmetic, as it is. */
export const isMade = (value: Slot): boolean =>
  isLoose(value) && value.local === NO_LOCAL && !value.isSigned;
