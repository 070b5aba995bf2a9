/** What the scan of a function leaves for the rewriting of its body. */
import type { CountedLoop } from './counted-loop.ts';
import type { CountedLoopCosts } from './counted-loop-code.ts';
import type { Shape } from './nan-roles.ts';
import type { Skeleton } from './skeleton.ts';
import type { FunctionBody } from './value-types.ts';

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
  | 'nan_check'
  /** Before a loop whose stores are looked at when it is over. */
  | 'refill'
  /** On top of the stack is a value that such a loop stores and adds up. */
  | 'nan_sum';

/** Those that have to do with NaNs. */
export const nanKinds: readonly SiteKind[] = [
  'nan',
  'nan_local',
  'nan_keep',
  'nan_check',
  'nan_sum',
];

/** A store that may have to be done again, with the numbers of the locals of ours that kept what it needs. */
export interface KeptStore {
  opcode: number;
  shape: Shape;
  value: number;
  address: number;
  /** What is to be added to the address. */
  plus: number;
  /** What the instruction adds to it. */
  offset: number;
}

export interface RefillSite {
  skeleton: Skeleton;
  /** Of its stores, each once. */
  opcodes: readonly number[];
  /** How many sums there are of each kind of float. */
  sums: number;
  /** A sum tells of all that was stored only if it is finite. */
  needsFinite: boolean;
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
  stores?: readonly KeptStore[];
  /** Of a refill. */
  refill?: RefillSite;
  /** In which copy of a refill it stands: where accesses are aligned, or where they are not. */
  copy?: 'aligned' | 'unaligned';
  /** Of a counted loop. */
  loop?: { counted: CountedLoop; costs: CountedLoopCosts; end: number };
}

export interface FunctionPlan extends FunctionBody {
  localGroups: number;
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
