/**
 * Reads the body of one function once, from start to end, and notes what the rest of the meter
 * needs: the control flow with its costs, the sites where code is to be inserted, whom the function
 * calls, and how much stack it takes.
 *
 * It follows liveness and the height of the operand stack as validation does, but not types. Code
 * that cannot be reached is read and left alone.
 */
import { CompileCost } from './compile-cost.ts';
import { ControlStack, type Frame } from './control-stack.ts';
import { recogniseCountedLoop } from './counted-loop.ts';
import { type Findings, noteInstruction } from './findings.ts';
import { FlowGraph, SETTLED } from './flow-graph.ts';
import { FrameSize } from './frame-size.ts';
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import { makesLoose } from './nan-roles.ts';
import { op, readOpcode, SIMD_BASE } from './op.ts';
import { deltaOf, imm, immediateOf, weightOf } from './opcodes.ts';
import { placeCounters } from './placement.ts';
import type { FunctionPlan, Site, SiteKind } from './plan.ts';
import { Reader } from './reader.ts';
import { refuseOpcode } from './refused-opcodes.ts';
import { type FunctionType, readValueType, valueType } from './value-types.ts';
import { HOST_CALL_FUEL } from './weights.ts';

const graph = new FlowGraph();

export function scanFunction(
  module: KernelModule,
  type: FunctionType,
  body: { start: number; end: number },
  findings: Findings,
): FunctionPlan {
  return new Scan(module, type, body, findings).run();
}

class Scan {
  readonly #module: KernelModule;
  readonly #reader: Reader;
  readonly #immediates: Immediates;
  readonly #findings: Findings;
  readonly #plan: FunctionPlan;
  readonly #control: ControlStack;
  /** The site at the start of each block of the graph. */
  readonly #blockSites: Site[] = [];
  readonly #frameSize = new FrameSize();
  readonly #cost: CompileCost;
  /** Loops and conditions around the place we are at. */
  #loops = 0;
  #ifs = 0;

  constructor(
    module: KernelModule,
    type: FunctionType,
    body: { start: number; end: number },
    findings: Findings,
  ) {
    this.#module = module;
    this.#reader = new Reader(module.bytes, body.start, body.end);
    this.#immediates = new Immediates(this.#reader, module);
    this.#cost = new CompileCost(this.#reader);
    this.#control = new ControlStack(this.#reader);
    this.#findings = findings;
    this.#plan = {
      type,
      localsStart: 0,
      localGroups: 0,
      locals: 0,
      codeStart: 0,
      codeEnd: body.end - 1,
      sites: [],
      hasLoop: false,
      makesNan: false,
      callees: new Set(),
      indirect: new Set(),
      controlState: 0,
      loopState: 0,
      frameBytes: 0,
    };
  }

  run(): FunctionPlan {
    const plan = this.#plan;
    this.#readLocals();
    graph.clear();
    this.#enterBlock(op.block, SETTLED, { params: 0, results: plan.type.results.length });
    this.#open(SETTLED);
    while (this.#control.depth > 0) this.#instruction();
    if (!this.#reader.isAtEnd)
      this.#reader.refuse('malformed', 'Bytes are left over after the end of a function.');

    const charges = placeCounters(graph);
    this.#blockSites.forEach((site, block) => {
      site.value = charges[block] ?? 0;
    });
    plan.sites = plan.sites.filter(isNeeded);
    plan.controlState = this.#cost.controlState;
    plan.loopState = this.#cost.loopState;
    plan.frameBytes = this.#frameSize.bytes(this.#control.heightMax);
    return plan;
  }

  #readLocals(): void {
    const reader = this.#reader;
    const plan = this.#plan;
    for (const param of plan.type.params) this.#addLocals(1, param, reader.at);
    plan.localGroups = reader.u32();
    plan.localsStart = reader.at;
    for (let group = 0; group < plan.localGroups; group++) {
      const at = reader.at;
      this.#addLocals(reader.u32(), readValueType(reader), at);
    }
    plan.codeStart = reader.at;
    this.#immediates.locals = plan.locals;
  }

  #addLocals(count: number, type: number, at: number): void {
    this.#plan.locals += count;
    this.#cost.addLocals(count, at);
    this.#frameSize.addLocals(count, type);
    if (type === valueType.v128) this.#findings.features.add('simd');
  }

  #instruction(): void {
    const at = this.#reader.at;
    const opcode = readOpcode(this.#reader);
    const immediate = immediateOf(opcode);
    if (immediate === null) refuseOpcode(this.#reader, opcode, at);
    noteInstruction(this.#findings, opcode);
    if (makesLoose(opcode)) this.#plan.makesNan = true;
    if (opcode >= SIMD_BASE) this.#frameSize.usesVectors = true;
    if (graph.isLive) {
      graph.addCost(weightOf(opcode));
      this.#push(deltaOf(opcode), at);
    }
    switch (immediate) {
      case imm.none:
        if (opcode <= op.return) this.#structure(opcode, at);
        return;
      case imm.blockType:
        this.#enter(opcode, at);
        return;
      case imm.label:
        this.#branch(opcode, at);
        return;
      case imm.labels:
        this.#branchTable(at);
        return;
      case imm.call:
        this.#call(at);
        return;
      case imm.callIndirect:
        this.#callIndirect(at);
        return;
      default:
        this.#immediates.skip(opcode);
        if (opcode === op.memoryGrow) this.#settledOperation('grow', at);
        else if (isBulk(opcode)) this.#settledOperation('bulk', at);
    }
  }

  /** else, end, return, unreachable. */
  #structure(opcode: number, at: number): void {
    switch (opcode) {
      case op.else:
        this.#else(at);
        return;
      case op.end:
        this.#end(at);
        return;
      case op.return:
      case op.unreachable:
        if (!graph.isLive) return;
        graph.meet(SETTLED);
        this.#site(at, opcode === op.return ? 'return' : 'unreachable');
        graph.close();
        return;
    }
  }

  #enter(opcode: number, at: number): void {
    const type = this.#immediates.blockType();
    if (type.params > 0 || type.results > 1) this.#findings.features.add('multi-value');
    if (opcode === op.if) this.#push(-1, at);
    this.#cost.addBlock(this.#control.depth, at);
    const label = opcode === op.loop ? SETTLED : graph.points.add();
    const frame = this.#enterBlock(opcode, label, type);
    if (opcode === op.if) {
      this.#ifs++;
      if (frame.wasLive) this.#open(frame.elsePoint);
    } else if (opcode === op.loop) {
      this.#loops++;
      this.#cost.addLoop(this.#loops, at);
      if (frame.wasLive) this.#enterLoop(frame, at);
    }
  }

  #enterBlock(opcode: number, label: number, type: { params: number; results: number }): Frame {
    const frame: Frame = {
      opcode,
      label,
      isReached: false,
      wasLive: graph.isLive,
      elsePoint: graph.end,
      base: this.#control.height - type.params,
      params: type.params,
      results: type.results,
      loop: null,
    };
    this.#control.enter(frame);
    return frame;
  }

  #enterLoop(frame: Frame, start: number): void {
    this.#plan.hasLoop = true;
    graph.meet(SETTLED);
    frame.loop = { start, headBlock: graph.blocks, entry: this.#site(start, 'counted') };
    this.#site(this.#reader.at, 'check');
    this.#open(SETTLED);
  }

  /** If the turns of the loop that ends here can be counted, its entry site says how. */
  #leaveLoop({ loop }: Frame): void {
    // Head and what follows it: with more blocks than these it is no simple loop.
    if (loop === null || graph.blocks - loop.headBlock > 3) return;
    const end = this.#reader.at;
    const counted = recogniseCountedLoop(this.#module, this.#plan.locals, loop.start, end);
    if (counted === null) return;
    const test = graph.costs[loop.headBlock] ?? 0;
    const turn = counted.testsFirst ? test + (graph.costs[loop.headBlock + 1] ?? 0) : test;
    loop.entry.loop = { counted, costs: { turn, last: counted.testsFirst ? test : 0 }, end };
    // Where the test stands first, it is behind the test that the loop is left.
    if (counted.testsFirst) graph.points.join(graph.tos[loop.headBlock] ?? SETTLED, SETTLED, 0);
    this.#site(end, 'counted_end');
  }

  #else(at: number): void {
    const frame = this.#control.innermost;
    if (frame?.opcode !== op.if) this.#reader.refuse('malformed', 'else without if.', at);
    this.#arrive(frame, at);
    frame.opcode = op.else;
    this.#control.height = frame.base + frame.params;
    if (frame.wasLive) this.#open(frame.elsePoint);
    else graph.close();
  }

  #end(at: number): void {
    const frame = this.#control.innermost;
    if (frame === undefined) this.#reader.refuse('malformed', 'end without a block.', at);
    const isFunction = this.#control.depth === 1;
    if (frame.opcode === op.if || frame.opcode === op.else) this.#ifs--;
    if (
      frame.opcode === op.loop ||
      (frame.opcode === op.block && !frame.isReached && !isFunction)
    ) {
      // Nobody branches here: what comes before simply goes on.
      if (graph.isLive) this.#control.expectResults(frame, at);
      this.#control.leave();
      if (frame.opcode === op.loop) this.#endLoop(frame);
      return;
    }
    this.#arrive(frame, at);
    this.#control.leave();
    if (frame.opcode === op.if && frame.wasLive) {
      graph.points.join(frame.elsePoint, frame.label, 0);
      frame.isReached = true;
    }
    if (frame.isReached && !isFunction) this.#open(frame.label);
  }

  #endLoop(frame: Frame): void {
    this.#loops--;
    this.#leaveLoop(frame);
    // What follows runs less often than the loop: a block of its own.
    if (graph.isLive) this.#open(graph.end);
  }

  /** Falls out of a block, or of the first arm of an `if`. */
  #arrive(frame: Frame, at: number): void {
    if (!graph.isLive) return;
    this.#control.expectResults(frame, at);
    graph.meet(frame.label);
    frame.isReached = true;
    graph.close();
  }

  #branch(opcode: number, at: number): void {
    const frame = this.#control.readLabel();
    if (opcode === op.brIf) this.#push(-1, at);
    this.#goTo(frame, at);
    if (opcode === op.br) graph.close();
    else if (graph.isLive) this.#open(graph.end);
  }

  #branchTable(at: number): void {
    this.#push(-1, at);
    const count = this.#reader.u32();
    for (let i = 0; i <= count; i++) this.#goTo(this.#control.readLabel(), at);
    graph.close();
  }

  #goTo(frame: Frame, at: number): void {
    this.#cost.addControl(at);
    if (!graph.isLive) return;
    graph.meet(frame.label);
    frame.isReached = true;
  }

  #call(at: number): void {
    const { functions, importedFunctions } = this.#module;
    const target = this.#immediates.index(functions.length, 'function');
    if (!graph.isLive) return;
    this.#plan.callees.add(target);
    if (target < importedFunctions) graph.addCost(HOST_CALL_FUEL);
    this.#settledCall(functions[target], at);
  }

  #callIndirect(at: number): void {
    const { types, tables } = this.#module;
    const type = types[this.#immediates.index(types.length, 'type')];
    this.#immediates.index(tables, 'table');
    if (!graph.isLive || type === undefined) return;
    this.#plan.indirect.add(type.signature);
    this.#push(-1, at);
    this.#settledCall(type, at);
  }

  #settledCall(type: FunctionType | undefined, at: number): void {
    const { length } = type?.params ?? [];
    this.#frameSize.seeArguments(length);
    this.#push(-length, at);
    this.#push(type?.results.length ?? 0, at);
    graph.meet(SETTLED);
    this.#site(at, 'call').value = this.#reader.at;
    this.#open(SETTLED);
  }

  /** Operations that take as long as their operand says: charged, and checked, before they run. */
  #settledOperation(kind: 'bulk' | 'grow', at: number): void {
    if (!graph.isLive) return;
    graph.meet(SETTLED);
    this.#site(at, kind);
    this.#open(SETTLED);
  }

  /** Begins a block here. */
  #open(point: number): void {
    // Loops make hot, conditions within them a little less so.
    const block = graph.open(point, this.#loops * 1_000 - this.#ifs);
    this.#blockSites[block] = this.#site(this.#reader.at, 'charge');
  }

  #site(at: number, kind: SiteKind): Site {
    const site: Site = { at, kind, value: this.#control.depth };
    this.#plan.sites.push(site);
    return site;
  }

  #push(values: number, at: number): void {
    if (graph.isLive) this.#control.push(values, at);
  }
}

/** Blocks in the tree have nothing to charge, and most loops cannot be counted beforehand. */
function isNeeded(site: Site): boolean {
  if (site.kind === 'charge') return site.value !== 0;
  return site.kind !== 'counted' || site.loop !== undefined;
}

const isBulk = (opcode: number): boolean =>
  opcode === op.memoryFill || opcode === op.memoryCopy || opcode === op.memoryInit;
