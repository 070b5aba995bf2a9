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
import { holderOf, SUM, writeCheckedGroup, writeFirm, writeFirmLocal } from './nan-code.ts';
import { EMPTY_BLOCK, op } from './op.ts';
import { type FunctionPlan, nanKinds, type Site } from './plan.ts';
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
  module: Uint8Array;
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
  out: CodeWriter,
): void {
  new BodyRewriter(context, plan, countsFrame, out).run();
}

class BodyRewriter {
  readonly #context: BodyContext;
  readonly #plan: FunctionPlan;
  readonly #out: CodeWriter;
  readonly #globals: MeterGlobals;
  readonly #countsFrame: boolean;
  readonly #checksEntry: boolean;
  readonly #isWrapped: boolean;
  /** Types of the locals we add, behind the function's own. */
  readonly #added: number[] = [];
  readonly #fuel: FuelCode;
  readonly #fuelLocal: number;
  readonly #lengthLocal: number;
  readonly #turnsLocal: number;
  readonly #fuelAfterLocal: number;
  /** By type: where a value is kept while it is looked at. */
  readonly #nanLocals = new Map<number, number>();
  /** By type and number: what is kept until a group of stores has been looked at. */
  readonly #keptLocals = new Map<string, number>();
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
    this.#fuelLocal = keepsLocal ? this.#addLocal(valueType.i64) : 0;
    this.#fuel = new FuelCode(out, this.#globals.fuel, keepsLocal ? this.#fuelLocal : null);
    this.#lengthLocal = measures ? this.#addLocal(valueType.i32) : 0;
    this.#turnsLocal = kinds.has('counted') ? this.#addLocal(valueType.i64) : 0;
    this.#fuelAfterLocal = kinds.has('counted') ? this.#addLocal(valueType.i64) : 0;
    for (const site of plan.sites) this.#addNanLocals(site);
  }

  #addNanLocals({ kind, shape = 0, value, type = 0, group }: Site): void {
    const holder = holderOf(shape);
    if (kind === 'nan' && !this.#nanLocals.has(holder))
      this.#nanLocals.set(holder, this.#addLocal(holder));
    if (kind === 'nan_keep') this.#addKept(type, value);
    for (const store of group?.stores ?? []) this.#addKept(holderOf(store.shape), SUM);
  }

  #addKept(type: number, kept: number): void {
    const key = `${type}/${kept}`;
    if (!this.#keptLocals.has(key)) this.#keptLocals.set(key, this.#addLocal(type));
  }

  readonly #keptLocal = (type: number, kept: number): number =>
    this.#keptLocals.get(`${type}/${kept}`) ?? 0;

  run(): void {
    const { module } = this.#context;
    const { localGroups, localsStart, codeStart, codeEnd, sites } = this.#plan;
    this.#out.u32(localGroups + this.#added.length);
    this.#out.copy(module, localsStart, codeStart);
    for (const type of this.#added) this.#out.bytes(1, type);
    if (this.#isWrapped) this.#enter();
    sites.forEach((site, nth) => {
      this.#copyTo(site.at);
      this.#insert(site, nth);
    });
    this.#copyTo(codeEnd);
    if (this.#isWrapped) this.#leave();
    this.#out.byte(op.end);
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
        this.#out.indexed(op.localTee, this.#lengthLocal);
        this.#fuel.chargeLength(this.#lengthLocal, op.i64ShrU, BULK_BYTES_PER_FUEL_LOG2);
        this.#fuel.check(site.value);
        return;
      case 'grow':
        this.#grow(site.value);
        return;
      case 'nan':
      case 'nan_local':
      case 'nan_keep':
      case 'nan_check':
        this.#watchNan(site);
        return;
    }
  }

  /** The loop is written twice: once as it was, and once, by the sites in it, with a counter. */
  #countTurns({ loop }: Site, nth: number): void {
    if (loop === undefined) return;
    const out = this.#out;
    writeTurnsPaidFor(out, loop.counted, loop.costs, {
      fuel: this.#fuelLocal,
      turns: this.#turnsLocal,
      fuelAfter: this.#fuelAfterLocal,
    });
    out.bytes(op.if, EMPTY_BLOCK);
    out.indexed(op.localGet, this.#fuelAfterLocal);
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

  #watchNan({ kind, shape = 0, type = 0, value, group }: Site): void {
    if (kind === 'nan_keep') this.#out.indexed(op.localTee, this.#keptLocal(type, value));
    else if (kind === 'nan_local') writeFirmLocal(this.#out, shape, value);
    else if (group !== undefined) writeCheckedGroup(this.#out, group, this.#keptLocal);
    else writeFirm(this.#out, shape, this.#nanLocals.get(holderOf(shape)) ?? 0);
  }

  /**
   * Over the limit memory.grow answers -1, costs nothing more and is remembered. Within the limit
   * it must succeed: that the host is short of memory is not the kernel's doing and must not
   * become part of a result.
   */
  #grow(labels: number): void {
    const out = this.#out;
    out.indexed(op.localTee, this.#lengthLocal);
    out.bytes(op.i64ExtendI32U, op.memorySize, 0, op.i64ExtendI32U, op.i64Add);
    this.#pagesLimit();
    out.bytes(op.i64ExtendI32U, op.i64GtU, op.if, valueType.i32);
    out.i32(growth.overLimit);
    out.indexed(op.globalSet, this.#globals.growth);
    out.i32(-1);
    out.byte(op.else);
    this.#fuel.chargeLength(this.#lengthLocal, op.i64Mul, GROWN_PAGE_FUEL);
    this.#fuel.check(labels + 1);
    out.indexed(op.localGet, this.#lengthLocal);
    out.bytes(op.memoryGrow, 0);
    out.indexed(op.localTee, this.#lengthLocal);
    out.i32(-1);
    out.bytes(op.i32Eq, op.if, EMPTY_BLOCK);
    out.i32(growth.hostFailed);
    out.indexed(op.globalSet, this.#globals.growth);
    out.indexed(op.br, labels + 2);
    out.byte(op.end);
    out.indexed(op.localGet, this.#lengthLocal);
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
    this.#out.copy(this.#context.module, this.#copied, offset);
    this.#copied = Math.max(this.#copied, offset);
  }

  #addLocal(type: number): number {
    this.#added.push(type);
    return this.#plan.locals + this.#added.length - 1;
  }
}

/** A counter may go up, where an earlier one took too much; a trap in between must not show that. */
const givesFuelBack = (site: Site): boolean => site.kind === 'charge' && site.value < 0;
