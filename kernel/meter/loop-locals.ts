/**
 * What is known of the locals at each place in a loop (`skeleton.ts`): whether they hold what hangs on
 * integers alone, and whether that is aligned.
 *
 * Where ways meet, only that is known which is so on each of them. At the head of a loop that does not show
 * before its end: a local that the loop sets gets a *name* of its own there, about which the best is
 * believed, and what comes round is noted for that name. A name about which too much was believed is
 * remembered in the facts, and passes are to be made until there is no new one.
 */
import { both, type Condition } from './alignment.ts';

/** What is found out from pass to pass. */
export interface LoopFacts {
  /** By the offset of a loop, in order, the locals it sets; the first is the loop itself. */
  written: ReadonlyMap<number, ReadonlySet<number>>;
  /** Names of what hangs on floats. */
  fickle: Set<number>;
  unaligned: Set<number>;
  /** By name: what its being aligned hangs on. */
  hangsOn: Map<number, Set<number>>;
}

interface Held {
  isKnown: boolean;
  condition: Condition;
  /** It may be what the local held before the loop. */
  isFromBefore: boolean;
}

export type LocalsState = ReadonlyMap<number, Held>;

/** Locals are numbered below this (see `limits.ts`), names above. */
const NAMES = 1024;

export class LoopLocals {
  readonly #facts: LoopFacts;
  readonly #wanted = new Set<number>();
  /** Of those that the loop sets. */
  #state = new Map<number, Held>();

  constructor(facts: LoopFacts) {
    this.#facts = facts;
  }

  get(local: number): Held {
    return this.#state.get(local) ?? { isKnown: true, condition: [local], isFromBefore: true };
  }

  set(local: number, isKnown: boolean, condition: Condition): void {
    this.#state.set(local, { isKnown, condition, isFromBefore: false });
  }

  /** An address has to be aligned. */
  want(condition: Condition): void {
    for (const each of condition ?? []) this.#wanted.add(each);
  }

  /** The locals that have to be aligned before the loop for all that was wanted. */
  wantedBefore(): number[] {
    for (const each of this.#wanted)
      for (const other of this.#facts.hangsOn.get(each) ?? []) this.#wanted.add(other);
    return [...this.#wanted].filter((each) => each < NAMES);
  }

  /** Nothing is known of what the turn before has left behind. */
  forgetTurns(loop: number): void {
    for (const local of this.#facts.written.get(loop) ?? [])
      this.#state.set(local, { ...this.get(local), isKnown: false });
  }

  enterLoop(loop: number): void {
    const { fickle, unaligned } = this.#facts;
    this.goToHead(loop);
    this.#forEachWritten(loop, (local, name) => {
      const condition = unaligned.has(name) ? null : [name];
      this.#state.set(local, { ...this.get(local), isKnown: !fickle.has(name), condition });
    });
  }

  /** A way leads to the head of the loop. */
  goToHead(loop: number): void {
    const { fickle, unaligned, hangsOn } = this.#facts;
    this.#forEachWritten(loop, (local, name) => {
      const { isKnown, condition } = this.get(local);
      if (!isKnown) fickle.add(name);
      if (condition === null) unaligned.add(name);
      const known = hangsOn.get(name) ?? new Set();
      for (const each of condition ?? []) known.add(each);
      hangsOn.set(name, known);
    });
  }

  save(): LocalsState {
    return new Map(this.#state);
  }

  restore(state: LocalsState): void {
    this.#state = new Map(state);
  }

  /** What is known on both ways; `other` is null where no way leads along. */
  joined(other: LocalsState | null): LocalsState {
    if (other === null) return this.save();
    const state = new Map<number, Held>();
    for (const local of new Set([...this.#state.keys(), ...other.keys()])) {
      const here = this.get(local);
      const there = other.get(local) ?? { isKnown: true, condition: [local], isFromBefore: true };
      state.set(local, {
        isKnown: here.isKnown && there.isKnown,
        condition: both(here.condition, there.condition),
        isFromBefore: here.isFromBefore || there.isFromBefore,
      });
    }
    return state;
  }

  #forEachWritten(loop: number, visit: (local: number, name: number) => void): void {
    const { written } = this.#facts;
    const nth = [...written.keys()].indexOf(loop) + 1;
    for (const local of written.get(loop) ?? []) visit(local, nth * NAMES + local);
  }
}
