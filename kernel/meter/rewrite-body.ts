/**
 * Writes the metered body of one function:
 *
 *   block $stop                     ;; only if something in here can end the run
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
 *
 * In a function with loops, fuel lives in a local between settlements: a global is memory.
 */
import { op } from './opcodes.ts';
import type { FunctionPlan, Site } from './scan.ts';
import { valueType } from './value-types.ts';
import { BULK_BYTES_PER_FUEL_LOG2, GROWN_PAGE_FUEL } from './weights.ts';
import type { Writer } from './writer.ts';

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

const EMPTY_BLOCK = 0x40;

export interface BodyContext {
  module: Uint8Array;
  globals: MeterGlobals;
  /** The block type for these results, without parameters. */
  blockType(results: Uint8Array, out: Writer): void;
}

export function rewriteBody(
  context: BodyContext,
  plan: FunctionPlan,
  countsFrame: boolean,
  out: Writer,
): void {
  const { globals } = context;
  const has = (kind: Site['kind']) => plan.sites.some((site) => site.kind === kind);
  const calls = has('reload');
  const measures = has('bulk') || has('grow');
  const checksEntry = calls || plan.codeEnd - plan.codeStart > LONG_BODY_BYTES;
  const canStop = countsFrame || checksEntry || plan.hasLoop || measures;
  const keepsLocal = plan.hasLoop;

  // Locals of ours come after the function's own.
  const fuelLocal = plan.locals;
  const lengthLocal = plan.locals + (keepsLocal ? 1 : 0);
  out.u32(plan.localGroups + (keepsLocal ? 1 : 0) + (measures ? 1 : 0));
  out.copy(context.module, plan.localsStart, plan.codeStart);
  if (keepsLocal) out.bytes(1, valueType.i64);
  if (measures) out.bytes(1, valueType.i32);

  const withIndex = (opcode: number, index: number) => {
    out.byte(opcode);
    out.u32(index);
  };
  const i64 = (value: number) => {
    out.byte(op.i64Const);
    out.signed(value);
  };
  const i32 = (value: number) => {
    out.byte(op.i32Const);
    out.signed(value);
  };
  const getFuel = () =>
    keepsLocal ? withIndex(op.localGet, fuelLocal) : withIndex(op.globalGet, globals.fuel);
  const setFuel = () =>
    keepsLocal ? withIndex(op.localSet, fuelLocal) : withIndex(op.globalSet, globals.fuel);
  const settle = () => {
    if (!keepsLocal) return;
    withIndex(op.localGet, fuelLocal);
    withIndex(op.globalSet, globals.fuel);
  };
  const reload = () => {
    if (!keepsLocal) return;
    withIndex(op.globalGet, globals.fuel);
    withIndex(op.localSet, fuelLocal);
  };
  const check = (labels: number) => {
    getFuel();
    i64(0);
    out.byte(op.i64LtS);
    withIndex(op.brIf, labels);
  };
  const moveStack = (opcode: number) => {
    withIndex(op.globalGet, globals.stack);
    i32(plan.frameBytes);
    out.byte(opcode);
    withIndex(op.globalSet, globals.stack);
  };
  const giveFrameBack = () => {
    if (countsFrame) moveStack(op.i32Add);
  };

  /** Takes fuel for the i32 in `lengthLocal`, shifted. */
  const chargeLength = (shift: number, amount: number) => {
    getFuel();
    withIndex(op.localGet, lengthLocal);
    out.byte(op.i64ExtendI32U);
    i64(amount);
    out.bytes(shift, op.i64Sub);
    setFuel();
  };

  /**
   * Over the limit memory.grow answers -1, costs nothing more and is remembered. Within the limit
   * it must succeed: that the host is short of memory is not the kernel's doing and must not
   * become part of a result.
   */
  const grow = (labels: number) => {
    withIndex(op.localTee, lengthLocal);
    out.bytes(op.i64ExtendI32U, op.memorySize, 0, op.i64ExtendI32U, op.i64Add);
    withIndex(op.globalGet, globals.pages);
    out.bytes(op.i64ExtendI32U, op.i64GtU, op.if, valueType.i32);
    i32(growth.overLimit);
    withIndex(op.globalSet, globals.growth);
    i32(-1);
    out.byte(op.else);
    chargeLength(I64_MUL, GROWN_PAGE_FUEL);
    check(labels + 1);
    withIndex(op.localGet, lengthLocal);
    out.bytes(op.memoryGrow, 0);
    withIndex(op.localTee, lengthLocal);
    i32(-1);
    out.bytes(op.i32Eq, op.if, EMPTY_BLOCK);
    i32(growth.hostFailed);
    withIndex(op.globalSet, globals.growth);
    withIndex(op.br, labels + 2);
    out.byte(op.end);
    withIndex(op.localGet, lengthLocal);
    out.byte(op.end);
  };

  const insert = (site: Site) => {
    switch (site.kind) {
      case 'charge':
        getFuel();
        i64(site.value);
        out.byte(op.i64Sub);
        setFuel();
        return;
      case 'check':
        check(site.value);
        return;
      case 'settle':
        settle();
        return;
      case 'reload':
        reload();
        return;
      case 'return':
        settle();
        giveFrameBack();
        return;
      case 'bulk':
        withIndex(op.localTee, lengthLocal);
        chargeLength(op.i64ShrU, BULK_BYTES_PER_FUEL_LOG2);
        check(site.value);
        return;
      case 'grow':
        grow(site.value);
        return;
    }
  };

  if (canStop) {
    out.bytes(op.block, EMPTY_BLOCK);
    reload();
    if (countsFrame) {
      moveStack(op.i32Sub);
      withIndex(op.globalGet, globals.stack);
      i32(0);
      out.byte(op.i32LtS);
      withIndex(op.brIf, 0);
    }
    if (checksEntry) check(0);
    out.byte(op.block);
    context.blockType(plan.type.results, out);
  }

  let copied = plan.codeStart;
  for (const site of plan.sites) {
    out.copy(context.module, copied, site.at);
    insert(site);
    copied = site.kind === 'grow' ? site.at + MEMORY_GROW_BYTES : site.at;
  }
  out.copy(context.module, copied, plan.codeEnd);

  if (canStop) {
    out.byte(op.end);
    settle();
    giveFrameBack();
    out.bytes(op.return, op.end);
    settle();
    out.byte(op.unreachable);
  }
  out.byte(op.end);
}

const I64_MUL = 0x7e;
const MEMORY_GROW_BYTES = 2;
