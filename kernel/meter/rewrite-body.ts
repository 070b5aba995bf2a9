/**
 * Writes the metered body of one function:
 *
 *   block $stop                     ;; all this only where it is needed
 *     [count the frame]             ;; recursive functions
 *     [fuel left?]                  ;; functions that call, and long ones
 *     block $done (result …)
 *       the original code, with charges, and checks that branch to $stop
 *     end
 *     [fuel back to its global, frame back]
 *     return
 *   end
 *   [fuel back to its global]
 *   unreachable
 */
import type { CodeWriter } from './code-writer.ts';
import { writeTurnsPaidFor } from './counted-loop-code.ts';
import { FuelCode } from './fuel-code.ts';
import type { KernelModule } from './module.ts';
import { writeNanSite } from './nan-code.ts';
import { EMPTY_BLOCK, op } from './op.ts';
import { OwnLocals } from './own-locals.ts';
import { type FunctionPlan, nanKinds, type RefillSite, type Site } from './plan.ts';
import { writeIfAligned, writeRefillBegin, writeRefillEnd } from './refill-code.ts';
import { valueType } from './value-types.ts';
import { BULK_BYTES_PER_FUEL_LOG2, GROWN_PAGE_FUEL } from './weights.ts';

/** Indices of the meter's own globals in this module. */
export interface MeterGlobals {
  fuel: number;
  stack: number;
  pages: number;
  growth: number;
}

/** Values of the growth global. */
export const growth = { fine: 0, overLimit: 1, hostFailed: 2 } as const;

/**
 * A function that calls nothing and has no loop needs no check, unless it is long: half a million
 * calls of it can stand in a row. From 1 KiB on the check is lost in the work.
 */
const LONG_BODY_BYTES = 1024;

const MEMORY_GROW_BYTES = 2;

export interface BodyContext {
  module: KernelModule;
  globals: MeterGlobals;
  /** The maximum in the metered module's memory section. */
  pagesMax: number;
  /** Writes the type of a block without parameters that leaves these results. */
  writeBlockType(results: Uint8Array, out: CodeWriter): void;
}

export function rewriteBody(
  context: BodyContext,
  plan: FunctionPlan,
  countsFrame: boolean,
  out: { declarations: CodeWriter; code: CodeWriter },
): void {
  new BodyRewriter(context, plan, countsFrame, out.code).run(out.declarations);
}

class BodyRewriter {
  readonly #context: BodyContext;
  readonly #plan: FunctionPlan;
  readonly #out: CodeWriter;
  readonly #globals: MeterGlobals;
  readonly #countsFrame: boolean;
  readonly #checksEntry: boolean;
  readonly #isWrapped: boolean;
  readonly #locals: OwnLocals;
  readonly #fuel: FuelCode;
  readonly #fuelLocal: number;
  /** Which copy of a refill is being written. */
  #copy: Site['copy'] = 'unaligned';
  /** How much of the original has been written. */
  #copied: number;
  /** Blocks of ours between the code that is being copied and its place in the original. */
  #extraLabels = 0;

  constructor(context: BodyContext, plan: FunctionPlan, countsFrame: boolean, out: CodeWriter) {
    this.#context = context;
    this.#plan = plan;
    this.#out = out;
    this.#globals = context.globals;
    this.#countsFrame = countsFrame;
    this.#copied = plan.codeStart;

    const kinds = new Set(plan.sites.map((site) => site.kind));
    const measures = kinds.has('bulk') || kinds.has('grow');
    const isLong = plan.codeEnd - plan.codeStart > LONG_BODY_BYTES;
    this.#checksEntry = kinds.has('call') || isLong;
    const keepsLocal = plan.hasLoop || plan.sites.some(givesFuelBack);
    this.#isWrapped = countsFrame || this.#checksEntry || keepsLocal || measures;
    this.#locals = new OwnLocals(plan.locals);
    this.#fuelLocal = keepsLocal ? this.#locals.of(valueType.i64, 'fuel') : 0;
    this.#fuel = new FuelCode(out, this.#globals.fuel, keepsLocal ? this.#fuelLocal : null);
  }

  run(declarations: CodeWriter): void {
    const { module } = this.#context;
    const { localGroups, localsStart, codeStart, codeEnd, sites } = this.#plan;
    if (this.#isWrapped) this.#enter();
    this.#rewrite(0, sites.length);
    this.#copyTo(codeEnd);
    if (this.#isWrapped) this.#leave();
    this.#out.byte(op.end);
    const { types } = this.#locals;
    declarations.u32(localGroups + types.length);
    declarations.copy(module.bytes, localsStart, codeStart);
    for (const type of types) declarations.bytes(1, type);
  }

  #rewrite(first: number, end: number): void {
    for (let nth = first; nth < end; nth++) {
      const site = this.#plan.sites[nth];
      if (site === undefined) return;
      this.#copyTo(site.at);
      if (site.refill === undefined) this.#insert(site, nth);
      else nth = this.#refill(site.refill, nth);
    }
  }

  #enter(): void {
    const out = this.#out;
    out.bytes(op.block, EMPTY_BLOCK);
    this.#fuel.reload();
    if (this.#countsFrame) {
      this.#moveStack(op.i32Sub);
      out.indexed(op.globalGet, this.#globals.stack);
      out.i32(0);
      out.byte(op.i32LtS);
      out.indexed(op.brIf, 0);
    }
    if (this.#checksEntry) this.#fuel.check(0);
    out.byte(op.block);
    this.#context.writeBlockType(this.#plan.type.results, out);
  }

  #leave(): void {
    this.#out.byte(op.end);
    this.#fuel.settle();
    this.#giveFrameBack();
    this.#out.bytes(op.return, op.end);
    this.#fuel.settle();
    this.#out.byte(op.unreachable);
  }

  #insert(site: Site, nth: number): void {
    switch (site.kind) {
      case 'charge':
        this.#fuel.charge(site.value);
        return;
      case 'check':
        // Settled too, so that a trap loses this turn and not the whole loop: a store costs nothing
        // that can be measured.
        this.#fuel.settle();
        this.#fuel.check(site.value + this.#extraLabels);
        return;
      case 'counted':
        this.#countTurns(site, nth);
        return;
      case 'counted_end':
        this.#extraLabels--;
        this.#out.byte(op.end);
        return;
      case 'call':
        this.#fuel.settle();
        this.#copyTo(site.value);
        this.#fuel.reload();
        return;
      case 'unreachable':
        this.#fuel.settle();
        return;
      case 'return':
        this.#fuel.settle();
        this.#giveFrameBack();
        return;
      case 'bulk':
        this.#out.indexed(op.localTee, this.#lengthLocal());
        this.#fuel.chargeLength(this.#lengthLocal(), op.i64ShrU, BULK_BYTES_PER_FUEL_LOG2);
        this.#fuel.check(site.value);
        return;
      case 'grow':
        this.#grow(site.value);
        return;
      case 'nan':
      case 'nan_local':
      case 'nan_keep':
      case 'nan_check':
      case 'nan_sum':
        this.#watchNan(site);
        return;
      case 'refill':
        return;
    }
  }

  /** Returns the last site of the loop. */
  #refill(refill: RefillSite, nth: number): number {
    const { skeleton } = refill;
    const { start, end } = skeleton;
    const { sites } = this.#plan;
    const belongs = (site: Site | undefined): boolean =>
      site !== undefined && (site.at < end || (site.at === end && site.kind === 'counted_end'));
    let last = nth;
    while (belongs(sites[last + 1])) last++;
    const write = () => {
      this.#rewrite(nth + 1, last + 1);
      this.#copyTo(end);
    };
    const hasChoice = writeIfAligned(this.#out, skeleton);
    if (hasChoice) this.#extraLabels++;
    this.#copy = 'aligned';
    const context = { module: this.#context.module, plan: this.#plan, locals: this.#locals };
    writeRefillBegin(this.#out, refill, context);
    write();
    writeRefillEnd(this.#out, refill, context);
    this.#copy = 'unaligned';
    if (!hasChoice) return last;
    this.#out.byte(op.else);
    this.#copied = start;
    write();
    this.#out.byte(op.end);
    this.#extraLabels--;
    return last;
  }

  /** The loop is written twice: once as it was, and once, by the sites in it, with a counter. */
  #countTurns({ loop }: Site, nth: number): void {
    if (loop === undefined) return;
    const out = this.#out;
    const fuelAfter = this.#locals.of(valueType.i64, 'fuel after');
    writeTurnsPaidFor(out, loop.counted, loop.costs, {
      fuel: this.#fuelLocal,
      turns: this.#locals.of(valueType.i64, 'turns'),
      fuelAfter,
    });
    out.bytes(op.if, EMPTY_BLOCK);
    out.indexed(op.localGet, fuelAfter);
    out.indexed(op.localSet, this.#fuelLocal);
    this.#copyUnwatched(loop.end, nth);
    out.byte(op.else);
    this.#extraLabels++;
  }

  /** Up to `end`, with none of the sites that watch the fuel; it will be copied once more. */
  #copyUnwatched(end: number, nth: number): void {
    const start = this.#copied;
    for (let next = nth + 1; (this.#plan.sites[next]?.at ?? end) < end; next++) {
      const site = this.#plan.sites[next];
      if (site === undefined || !nanKinds.includes(site.kind)) continue;
      this.#copyTo(site.at);
      this.#watchNan(site);
    }
    this.#copyTo(end);
    this.#copied = start;
  }

  #watchNan(site: Site): void {
    if (site.copy === undefined || site.copy === this.#copy)
      writeNanSite(this.#out, site, this.#locals);
  }

  /**
   * Over the limit memory.grow answers -1, costs nothing more and is remembered. Within the limit
   * it must succeed: that the host is short of memory is not the kernel's doing and must not
   * become part of a result.
   */
  #grow(labels: number): void {
    const out = this.#out;
    out.indexed(op.localTee, this.#lengthLocal());
    out.bytes(op.i64ExtendI32U, op.memorySize, 0, op.i64ExtendI32U, op.i64Add);
    this.#pagesLimit();
    out.bytes(op.i64ExtendI32U, op.i64GtU, op.if, valueType.i32);
    out.i32(growth.overLimit);
    out.indexed(op.globalSet, this.#globals.growth);
    out.i32(-1);
    out.byte(op.else);
    this.#fuel.chargeLength(this.#lengthLocal(), op.i64Mul, GROWN_PAGE_FUEL);
    this.#fuel.check(labels + 1);
    out.indexed(op.localGet, this.#lengthLocal());
    out.bytes(op.memoryGrow, 0);
    out.indexed(op.localTee, this.#lengthLocal());
    out.i32(-1);
    out.bytes(op.i32Eq, op.if, EMPTY_BLOCK);
    out.i32(growth.hostFailed);
    out.indexed(op.globalSet, this.#globals.growth);
    out.indexed(op.br, labels + 2);
    out.byte(op.end);
    out.indexed(op.localGet, this.#lengthLocal());
    out.byte(op.end);
    this.#copied += MEMORY_GROW_BYTES;
  }

  /** What the runner set, or what the memory's own maximum is, when that is less. */
  #pagesLimit(): void {
    for (let i = 0; i < 2; i++) {
      this.#out.indexed(op.globalGet, this.#globals.pages);
      this.#out.i32(this.#context.pagesMax);
    }
    this.#out.bytes(op.i32LtU, op.select);
  }

  #giveFrameBack(): void {
    if (this.#countsFrame) this.#moveStack(op.i32Add);
  }

  #moveStack(operation: number): void {
    this.#out.indexed(op.globalGet, this.#globals.stack);
    this.#out.i32(this.#plan.frameBytes);
    this.#out.byte(operation);
    this.#out.indexed(op.globalSet, this.#globals.stack);
  }

  #copyTo(offset: number): void {
    this.#out.copy(this.#context.module.bytes, this.#copied, offset);
    this.#copied = Math.max(this.#copied, offset);
  }

  #lengthLocal(): number {
    return this.#locals.of(valueType.i32, 'length');
  }
}

/** A counter may go up, where an earlier one took too much; a trap in between must not show that. */
const givesFuelBack = (site: Site): boolean => site.kind === 'charge' && site.value < 0;
