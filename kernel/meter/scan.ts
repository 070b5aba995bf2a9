/**
 * Reads the body of one function once, from start to end, and notes what the rest of the meter
 * needs: the control flow with its costs, the sites where code is to be inserted, whom the function
 * calls, and how much stack it takes.
 *
 * It follows liveness and the height of the operand stack as validation does, but not types. Code
 * that cannot be reached is read and left alone.
 */
import { recogniseCountedLoop } from './counted-loop.ts';
import { FlowGraph, SETTLED } from './flow-graph.ts';
import { Immediates } from './immediates.ts';
import { kernelLimits } from './limits.ts';
import type { KernelModule } from './module.ts';
import { op, readOpcode } from './op.ts';
import {
  deltaOf,
  featureOf,
  imm,
  immediateOf,
  mutatesTable,
  refusedFeature,
  trait,
  traitOf,
  weightOf,
} from './opcodes.ts';
import { placeCounters } from './placement.ts';
import type { Findings, FunctionPlan, Site, SiteKind } from './plan.ts';
import { Reader } from './reader.ts';
import { type FunctionType, hex, readValueType, valueType } from './value-types.ts';
import { HOST_CALL_FUEL } from './weights.ts';

interface Frame {
  opcode: number;
  /** Where branches to it lead. */
  label: number;
  isReached: boolean;
  /** Whether the code before it was reachable. */
  wasLive: boolean;
  /** Of an `if`: where its else begins, or the way past it. */
  elsePoint: number;
  /** Height of the operand stack below its parameters. */
  base: number;
  params: number;
  results: number;
  /** Of a loop: its first byte, the block at its head, and the site before it. */
  start: number;
  head: number;
  entry: Site | null;
}

/** Return address, frame pointer, instance and what else V8 puts in every frame. */
const FRAME_FIXED_BYTES = 96;
const SLOT_BYTES = 8;
const VECTOR_SLOT_BYTES = 16;

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
  readonly #frames: Frame[] = [];
  /** The site at the start of each block of the graph. */
  readonly #blockSites: Site[] = [];
  #height = 0;
  #heightMax = 0;
  /** The most that any call hands over: beside the operand stack the engine copies it. */
  #argumentsMax = 0;
  #localBytes = 0;
  #usesVectors = false;
  #control = 0;
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
      callees: new Set(),
      indirect: new Set(),
      frameBytes: 0,
    };
  }

  run(): FunctionPlan {
    const plan = this.#plan;
    this.#readLocals();
    graph.clear();
    this.#pushFrame(op.block, SETTLED, 0, plan.type.results.length);
    this.#open(SETTLED);
    while (this.#frames.length > 0) this.#instruction();
    if (!this.#reader.isAtEnd)
      this.#reader.refuse('malformed', 'Bytes are left over after the end of a function.');

    const charges = placeCounters(graph);
    this.#blockSites.forEach((site, block) => {
      site.value = charges[block] ?? 0;
    });
    plan.sites = plan.sites.filter(isNeeded);
    const slot = this.#usesVectors ? VECTOR_SLOT_BYTES : SLOT_BYTES;
    const slots = this.#heightMax + this.#argumentsMax;
    plan.frameBytes = FRAME_FIXED_BYTES + this.#localBytes + slots * slot;
    return plan;
  }

  #readLocals(): void {
    const reader = this.#reader;
    const plan = this.#plan;
    plan.locals = plan.type.params.length;
    for (const param of plan.type.params) this.#localBytes += slotBytes(param);
    plan.localGroups = reader.u32();
    plan.localsStart = reader.at;
    for (let group = 0; group < plan.localGroups; group++) {
      const at = reader.at;
      const count = reader.u32();
      const type = readValueType(reader);
      plan.locals += count;
      if (plan.locals > kernelLimits.localsMax)
        reader.refuse('limit_exceeded', `Over ${kernelLimits.localsMax} locals.`, at);
      this.#localBytes += count * slotBytes(type);
      if (type === valueType.v128) this.#findings.features.add('simd');
    }
    plan.codeStart = reader.at;
    this.#immediates.locals = plan.locals;
  }

  #instruction(): void {
    const at = this.#reader.at;
    const opcode = readOpcode(this.#reader);
    const immediate = immediateOf(opcode);
    if (immediate === null) this.#refuseOpcode(opcode, at);
    this.#note(opcode);
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

  /** What the inspector wants to know. */
  #note(opcode: number): void {
    const seen = traitOf(opcode);
    if (seen === trait.makesNan) this.#findings.makesNan = true;
    else if (seen === trait.showsNan) this.#findings.showsNan = true;
    const feature = featureOf(opcode);
    if (feature === 'mvp') return;
    this.#findings.features.add(feature);
    if (feature === 'simd') this.#usesVectors = true;
  }

  #refuseOpcode(opcode: number, at: number): never {
    if (mutatesTable(opcode))
      this.#reader.refuse('table_mutation_forbidden', 'A kernel may not change a table.', at);
    const feature = refusedFeature(opcode);
    if (feature !== null)
      this.#reader.refuse('feature_forbidden', `The instruction belongs to ${feature}.`, at);
    this.#reader.refuse('malformed', `There is no instruction ${hex(opcode)}.`, at);
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
        this.#site(at, opcode === op.return ? 'return' : 'settle');
        graph.close();
        return;
    }
  }

  #enter(opcode: number, at: number): void {
    const { params, results } = this.#immediates.blockType();
    if (params > 0 || results > 1) this.#findings.features.add('multi-value');
    if (opcode === op.if) this.#push(-1, at);
    if (this.#frames.length > kernelLimits.nestingMax)
      this.#reader.refuse(
        'limit_exceeded',
        `Over ${kernelLimits.nestingMax} blocks within each other.`,
        at,
      );
    this.#countControl(at);
    const label = opcode === op.loop ? SETTLED : graph.points.add();
    const frame = this.#pushFrame(opcode, label, params, results);
    if (opcode === op.if) {
      this.#ifs++;
      if (frame.wasLive) this.#open(frame.elsePoint);
    } else if (opcode === op.loop) {
      this.#loops++;
      if (frame.wasLive) this.#enterLoop(frame, at);
    }
  }

  #enterLoop(frame: Frame, at: number): void {
    this.#plan.hasLoop = true;
    graph.meet(SETTLED);
    frame.start = at;
    frame.head = graph.blocks;
    frame.entry = this.#site(at, 'counted');
    this.#site(this.#reader.at, 'check');
    this.#open(SETTLED);
  }

  /** If the turns of the loop that ends here can be counted, its entry site says how. */
  #leaveLoop({ start, head, entry }: Frame): void {
    const end = this.#reader.at;
    // Head and what follows it: with more blocks than these it is no simple loop.
    if (entry === null || graph.blocks - head > 3) return;
    const counted = recogniseCountedLoop(this.#module, this.#plan.locals, start, end);
    if (counted === null) return;
    const test = graph.costs[head] ?? 0;
    const turn = counted.testsFirst ? test + (graph.costs[head + 1] ?? 0) : test;
    entry.loop = { counted, costs: { turn, last: counted.testsFirst ? test : 0 }, end };
    // Where the test stands first, it is behind the test that the loop is left.
    if (counted.testsFirst) graph.points.join(graph.tos[head] ?? SETTLED, SETTLED, 0);
    this.#site(end, 'counted_end');
  }

  #else(at: number): void {
    const frame = this.#frames.at(-1);
    if (frame?.opcode !== op.if) this.#reader.refuse('malformed', 'else without if.', at);
    this.#arrive(frame, at);
    frame.opcode = op.else;
    this.#height = frame.base + frame.params;
    if (frame.wasLive) this.#open(frame.elsePoint);
    else graph.close();
  }

  #end(at: number): void {
    const frame = this.#frames.pop();
    if (frame === undefined) this.#reader.refuse('malformed', 'end without a block.', at);
    if (frame.opcode === op.if || frame.opcode === op.else) this.#ifs--;

    if (frame.opcode === op.loop) {
      // Nobody branches here: what comes before simply goes on, but less often.
      this.#checkHeight(frame, at);
      this.#loops--;
      this.#leaveLoop(frame);
      if (graph.isLive) this.#open(graph.end);
    } else if (frame.opcode === op.block && !frame.isReached && this.#frames.length > 0) {
      this.#checkHeight(frame, at);
    } else {
      this.#arrive(frame, at);
      if (frame.opcode === op.if && frame.wasLive) {
        graph.points.join(frame.elsePoint, frame.label, 0);
        frame.isReached = true;
      }
      if (frame.isReached && this.#frames.length > 0) this.#open(frame.label);
    }
    this.#height = frame.base + frame.results;
  }

  /** Falls out of a block, or of the first arm of an `if`. */
  #arrive(frame: Frame, at: number): void {
    this.#checkHeight(frame, at);
    if (!graph.isLive) return;
    graph.meet(frame.label);
    frame.isReached = true;
    graph.close();
  }

  #branch(opcode: number, at: number): void {
    const frame = this.#label();
    if (opcode === op.brIf) this.#push(-1, at);
    this.#goTo(frame, at);
    if (opcode === op.br) graph.close();
    else if (graph.isLive) this.#open(graph.end);
  }

  #branchTable(at: number): void {
    this.#push(-1, at);
    const count = this.#reader.u32();
    for (let i = 0; i <= count; i++) this.#goTo(this.#label(), at);
    graph.close();
  }

  #goTo(frame: Frame, at: number): void {
    this.#countControl(at);
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
    this.#argumentsMax = Math.max(this.#argumentsMax, length);
    this.#push(-length, at);
    this.#push(type?.results.length ?? 0, at);
    graph.meet(SETTLED);
    this.#site(at, 'settle');
    this.#site(this.#reader.at, 'reload');
    this.#open(SETTLED);
  }

  /** Operations that take as long as their operand says: charged, and checked, before they run. */
  #settledOperation(kind: 'bulk' | 'grow', at: number): void {
    if (!graph.isLive) return;
    graph.meet(SETTLED);
    this.#site(at, kind);
    this.#open(SETTLED);
  }

  #pushFrame(opcode: number, label: number, params: number, results: number): Frame {
    const frame: Frame = {
      opcode,
      label,
      isReached: false,
      wasLive: graph.isLive,
      elsePoint: graph.end,
      base: this.#height - params,
      params,
      results,
      start: 0,
      head: 0,
      entry: null,
    };
    this.#frames.push(frame);
    return frame;
  }

  /** Begins a block here. */
  #open(point: number): void {
    // Loops make hot, conditions within them a little less so.
    const block = graph.open(point, this.#loops * 1_000 - this.#ifs);
    this.#blockSites[block] = this.#site(this.#reader.at, 'charge');
  }

  #site(at: number, kind: SiteKind): Site {
    const site: Site = { at, kind, value: this.#frames.length };
    this.#plan.sites.push(site);
    return site;
  }

  #push(values: number, at: number): void {
    if (!graph.isLive) return;
    this.#height += values;
    if (this.#height < (this.#frames.at(-1)?.base ?? 0))
      this.#reader.refuse('malformed', 'The instruction needs more operands than there are.', at);
    if (this.#height > this.#heightMax) this.#heightMax = this.#height;
  }

  #checkHeight(frame: Frame, at: number): void {
    if (graph.isLive && this.#height !== frame.base + frame.results)
      this.#reader.refuse('malformed', 'A block ends with operands too many or too few.', at);
  }

  #label(): Frame {
    const at = this.#reader.at;
    const depth = this.#reader.u32();
    const frame = this.#frames[this.#frames.length - 1 - depth];
    if (frame === undefined) this.#reader.refuse('malformed', `There is no label ${depth}.`, at);
    return frame;
  }

  #countControl(at: number): void {
    this.#control++;
    if (this.#control * this.#plan.locals > kernelLimits.localsTimesControlMax)
      this.#reader.refuse(
        'limit_exceeded',
        `Locals times control instructions exceed ${kernelLimits.localsTimesControlMax}.`,
        at,
      );
  }
}

/** Blocks in the tree have nothing to charge, and most loops cannot be counted beforehand. */
function isNeeded(site: Site): boolean {
  if (site.kind === 'charge') return site.value !== 0;
  return site.kind !== 'counted' || site.loop !== undefined;
}

const isBulk = (opcode: number): boolean =>
  opcode === op.memoryFill || opcode === op.memoryCopy || opcode === op.memoryInit;

const slotBytes = (type: number): number =>
  type === valueType.v128 ? VECTOR_SLOT_BYTES : SLOT_BYTES;
