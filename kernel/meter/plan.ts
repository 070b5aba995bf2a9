/** What the scan of a function leaves for the rewriting of its body. */
import type { CountedLoop } from './counted-loop.ts';
import type { CountedLoopCosts } from './counted-loop-code.ts';
import type { Shape } from './nan-roles.ts';
import type { FunctionType } from './value-types.ts';

export type SiteKind =
  /** The start of a block that got a counter. */
  | 'charge'
  /** The head of a loop: is there fuel left? */
  | 'check'
  /** A call: others look at the fuel, and use it. */
  | 'call'
  | 'return'
  | 'unreachable'
  /** Before and behind a loop whose turns can be counted beforehand. */
  | 'counted'
  | 'counted_end'
  /** memory.fill, copy or init: the length is on top of the stack. */
  | 'bulk'
  /** memory.grow, which is replaced. */
  | 'grow'
  /** On top of the stack is a float whose NaN would not be the same everywhere. */
  | 'nan'
  /** The same in a local, whose number `value` is. */
  | 'nan_local'
  /** On top of the stack is a value or an address of a group of stores. */
  | 'nan_keep'
  /** Behind such a group: was there a NaN among its values? */
  | 'nan_check';

/** Those that have to do with NaNs. */
export const nanKinds: readonly SiteKind[] = ['nan', 'nan_local', 'nan_keep', 'nan_check'];

/** An address that was kept, in the local of ours of that number. */
export interface KeptAccess {
  address: number;
  /** What is to be added to it. */
  plus: number;
  /** What the instruction adds to it. */
  offset: number;
}

export interface KeptGroup {
  stores: (KeptAccess & { opcode: number; shape: Shape; value: number })[];
  /** Whether these are, as they say, has to be looked at before. */
  aligned: KeptAccess[];
}

/** Where code is inserted; a plan has them in the order of their offsets. */
export interface Site {
  /** Offset in the module. */
  at: number;
  kind: SiteKind;
  /**
   * Of a charge: the fuel. Of a call: its end. Of what is kept: the number of the local. Else: how many
   * labels enclose it originally.
   */
  value: number;
  /** Of a NaN. */
  shape?: Shape;
  /** Of what is kept. */
  type?: number;
  /** Of a check. */
  group?: KeptGroup;
  /** Of a counted loop. */
  loop?: { counted: CountedLoop; costs: CountedLoopCosts; end: number };
}

export interface FunctionPlan {
  type: FunctionType;
  /** The declarations of locals, without their count. */
  localsStart: number;
  localGroups: number;
  /** How many there are, parameters included. */
  locals: number;
  codeStart: number;
  /** Just before the final `end`. */
  codeEnd: number;
  sites: Site[];
  hasLoop: boolean;
  /** Whether some instruction in it may give a NaN that is not the same everywhere. */
  makesNan: boolean;
  callees: Set<number>;
  /** Signatures of indirect calls. */
  indirect: Set<string>;
  /** Locals times control instructions, and times loops: see `limits.ts`. */
  controlState: number;
  loopState: number;
  /** What one activation takes of the call stack, in bytes, at most. */
  frameBytes: number;
}
