/**
 * Reads the body of one function once, from start to end: checks every instruction and index, and
 * notes what the rest of the meter needs: the control flow with its costs, the sites where code is
 * to be inserted, whom the function calls, and how much stack it takes.
 *
 * Types are V8's to check. Indices are ours: the metered module has more locals, globals and labels
 * than the original, and an index that was out of range must not come to point at one of them.
 */
import { FlowGraph, SETTLED } from './flow-graph.ts';
import { kernelLimits } from './limits.ts';
import type { KernelModule } from './module.ts';
import {
  deltaOf,
  type Feature,
  featureOf,
  imm,
  immediateOf,
  MISC_BASE,
  mutatesTable,
  op,
  PREFIX_MISC,
  PREFIX_SIMD,
  refusedFeature,
  SIMD_BASE,
  trait,
  traitOf,
  weightOf,
} from './opcodes.ts';
import { placeCounters } from './placement.ts';
import { Reader } from './reader.ts';
import {
  type FunctionType,
  hex,
  isValueType,
  readReferenceType,
  readValueType,
  valueType,
} from './value-types.ts';
import { HOST_CALL_FUEL } from './weights.ts';

/** Where something is inserted, in the order of positions. */
export interface Site {
  /** Offset in the module. */
  at: number;
  kind: SiteKind;
  /** charge: the fuel. Sites that may end the run: how many labels enclose them. */
  value: number;
}

export type SiteKind =
  /** Takes fuel for one block, or more. */
  | 'charge'
  /** The head of a loop: is there fuel left? */
  | 'check'
  /** Before a call: others must see the fuel. */
  | 'settle'
  /** After a call: others may have used fuel. */
  | 'reload'
  | 'return'
  /** memory.fill, copy or init: the length is on top of the stack. */
  | 'bulk'
  /** memory.grow, which is replaced. */
  | 'grow';

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
  callees: Set<number>;
  /** Signatures of indirect calls. */
  indirect: Set<string>;
  /** What one activation takes of the call stack, in bytes, at most. */
  frameBytes: number;
}

/** What the inspector wants to know of all bodies together. */
export interface Findings {
  features: Set<Feature>;
  makesNan: boolean;
  showsNan: boolean;
}

interface Frame {
  opcode: number;
  /** Where branches to it lead. */
  label: number;
  isReached: boolean;
  /** Whether the code before it was reachable. */
  wasLive: boolean;
  /** Of an `if`: where its else begins, or the way past it. */
  elsePoint: number;
  base: number;
  params: number;
  results: number;
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
  readonly #findings: Findings;
  readonly #plan: FunctionPlan;
  readonly #frames: Frame[] = [];
  readonly #blockSites: Site[] = [];
  #height = 0;
  #heightMax = 0;
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
    this.#frames.push({
      opcode: op.block,
      label: SETTLED,
      isReached: false,
      wasLive: true,
      elsePoint: SETTLED,
      base: 0,
      params: 0,
      results: plan.type.results.length,
    });
    this.#open(SETTLED);
    while (this.#frames.length > 0) this.#instruction();
    if (!this.#reader.isAtEnd)
      this.#reader.refuse('malformed', 'Bytes are left over after the end of a function.');

    const charges = placeCounters(graph);
    this.#blockSites.forEach((site, block) => {
      site.value = charges[block] ?? 0;
    });
    plan.sites = plan.sites.filter((site) => site.kind !== 'charge' || site.value !== 0);
    const slot = this.#usesVectors ? VECTOR_SLOT_BYTES : SLOT_BYTES;
    plan.frameBytes = FRAME_FIXED_BYTES + this.#localBytes + this.#heightMax * slot;
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
  }

  #instruction(): void {
    const reader = this.#reader;
    const at = reader.at;
    const opcode = this.#readOpcode();
    const immediate = immediateOf(opcode);
    if (immediate === null) this.#refuseOpcode(opcode, at);
    if (graph.isLive) {
      graph.addCost(weightOf(opcode));
      this.#push(deltaOf(opcode), at);
    }
    const seen = traitOf(opcode);
    if (seen === trait.makesNan) this.#findings.makesNan = true;
    else if (seen === trait.showsNan) this.#findings.showsNan = true;

    switch (immediate) {
      case imm.none:
        if (opcode <= op.return) this.#structure(opcode, at);
        return;
      case imm.local:
        this.#index(this.#plan.locals, 'local');
        return;
      case imm.leb32:
        reader.skipLeb(5);
        return;
      case imm.memarg:
        this.#memarg();
        return;
      case imm.blockType:
        this.#enter(opcode, at);
        return;
      case imm.label: {
        const frame = this.#label();
        if (opcode === op.brIf) this.#push(-1, at);
        this.#branch(frame);
        if (opcode === op.br) graph.close();
        else if (graph.isLive) this.#open(graph.end);
        return;
      }
      case imm.labels: {
        this.#push(-1, at);
        const count = reader.u32();
        for (let i = 0; i <= count; i++) this.#branch(this.#label());
        graph.close();
        return;
      }
      case imm.call: {
        const target = this.#index(this.#module.functions.length, 'function');
        const isHost = target < this.#module.importedFunctions;
        if (graph.isLive) {
          this.#plan.callees.add(target);
          if (isHost) graph.addCost(HOST_CALL_FUEL);
        }
        this.#call(this.#module.functions[target], 0, at);
        return;
      }
      case imm.callIndirect: {
        const type = this.#module.types[this.#index(this.#module.types.length, 'type')];
        this.#index(this.#module.tables, 'table');
        if (graph.isLive && type !== undefined) this.#plan.indirect.add(type.signature);
        this.#call(type, 1, at);
        return;
      }
      case imm.types: {
        const count = reader.u32();
        for (let i = 0; i < count; i++) readValueType(reader);
        return;
      }
      case imm.global:
        this.#index(this.#module.globals.length, 'global');
        return;
      case imm.table:
        this.#index(this.#module.tables, 'table');
        return;
      case imm.memory:
        this.#memoryIndex();
        if (opcode === op.memoryGrow) this.#settledOperation('grow', at);
        else if (opcode === op.memoryFill) this.#settledOperation('bulk', at);
        return;
      case imm.memoryMemory:
        this.#memoryIndex();
        this.#memoryIndex();
        this.#settledOperation('bulk', at);
        return;
      case imm.dataMemory:
        this.#index(this.#module.dataSegments, 'data segment');
        this.#memoryIndex();
        this.#settledOperation('bulk', at);
        return;
      case imm.leb64:
        reader.skipLeb(10);
        return;
      case imm.bytes4:
        reader.skip(4);
        return;
      case imm.bytes8:
        reader.skip(8);
        return;
      case imm.bytes16:
        reader.skip(16);
        return;
      case imm.refType:
        readReferenceType(reader);
        return;
      case imm.function:
        this.#index(this.#module.functions.length, 'function');
        return;
      case imm.data:
        this.#index(this.#module.dataSegments, 'data segment');
        return;
      case imm.element:
        this.#index(this.#module.elements, 'element segment');
        return;
      case imm.lane:
        reader.skip(1);
        return;
      case imm.memargLane:
        this.#memarg();
        reader.skip(1);
        return;
    }
  }

  #readOpcode(): number {
    const first = this.#reader.byte();
    if (first < 0xc0) return first;
    let opcode = first;
    if (first === PREFIX_MISC) opcode = MISC_BASE + this.#prefixed(255);
    else if (first === PREFIX_SIMD) {
      opcode = SIMD_BASE + this.#prefixed(Number.MAX_SAFE_INTEGER);
      this.#usesVectors = true;
    }
    this.#findings.features.add(featureOf(opcode));
    return opcode;
  }

  #prefixed(max: number): number {
    return Math.min(this.#reader.u32(), max);
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
    const { params, results } = this.#blockType();
    if (opcode === op.if) this.#push(-1, at);
    if (this.#frames.length > kernelLimits.nestingMax)
      this.#reader.refuse('limit_exceeded', `Over ${kernelLimits.nestingMax} blocks deep.`, at);
    this.#countControl(1, at);
    const frame: Frame = {
      opcode,
      label: opcode === op.loop ? SETTLED : graph.points.add(),
      isReached: false,
      wasLive: graph.isLive,
      elsePoint: graph.end,
      base: this.#height - params,
      params,
      results,
    };
    this.#frames.push(frame);
    if (opcode === op.loop) {
      this.#loops++;
      if (!frame.wasLive) return;
      this.#plan.hasLoop = true;
      graph.meet(SETTLED);
      this.#site(this.#reader.at, 'check');
      this.#open(SETTLED);
    } else if (opcode === op.if) {
      this.#ifs++;
      if (frame.wasLive) this.#open(frame.elsePoint);
    }
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
    if (frame.opcode === op.loop) this.#loops--;
    if (frame.opcode === op.if || frame.opcode === op.else) this.#ifs--;

    const isPlain = frame.opcode === op.loop || (frame.opcode === op.block && !frame.isReached);
    if (this.#frames.length === 0) {
      this.#arrive(frame, at);
    } else if (isPlain) {
      // Nobody branches here: what comes before simply goes on. After a loop it is colder.
      this.#checkHeight(frame, at);
      if (frame.opcode === op.loop && graph.isLive) this.#open(graph.end);
    } else {
      this.#arrive(frame, at);
      if (frame.opcode === op.if && frame.wasLive) {
        graph.points.join(frame.elsePoint, frame.label, 0);
        frame.isReached = true;
      }
      if (frame.isReached) this.#open(frame.label);
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

  #branch(frame: Frame): void {
    this.#countControl(1, this.#reader.at);
    if (!graph.isLive) return;
    graph.meet(frame.label);
    frame.isReached = true;
  }

  #call(type: FunctionType | undefined, popped: number, at: number): void {
    if (!graph.isLive || type === undefined) return;
    this.#push(-popped - type.params.length, at);
    this.#push(type.results.length, at);
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

  #index(count: number, what: string): number {
    const at = this.#reader.at;
    const index = this.#reader.u32();
    if (index >= count) this.#reader.refuse('malformed', `There is no ${what} ${index}.`, at);
    return index;
  }

  #memoryIndex(): void {
    if (this.#reader.byte() !== 0)
      this.#reader.refuse('feature_forbidden', 'A second memory.', this.#reader.at - 1);
    this.#needMemory();
  }

  #memarg(): void {
    // From 64 on the alignment carries a flag of multi-memory; beyond 4 it is no alignment at all.
    if (this.#reader.byte() > 4)
      this.#reader.refuse('feature_forbidden', 'A memory operand out of 1.0.', this.#reader.at - 1);
    this.#reader.u32();
    this.#needMemory();
  }

  #needMemory(): void {
    if (this.#module.memory === null) this.#reader.refuse('malformed', 'There is no memory.');
  }

  #blockType(): { params: number; results: number } {
    const at = this.#reader.at;
    const byte = this.#reader.peek();
    if (byte === EMPTY_BLOCK || isValueType(byte)) {
      this.#reader.skip(1);
      return { params: 0, results: byte === EMPTY_BLOCK ? 0 : 1 };
    }
    const type = this.#module.types[this.#reader.s33()];
    if (type === undefined) this.#reader.refuse('malformed', 'There is no such block type.', at);
    if (type.params.length > 0 || type.results.length > 1)
      this.#findings.features.add('multi-value');
    return { params: type.params.length, results: type.results.length };
  }

  #countControl(count: number, at: number): void {
    this.#control += count;
    if (this.#control * this.#plan.locals > kernelLimits.localsTimesControlMax)
      this.#reader.refuse(
        'limit_exceeded',
        `Locals times control instructions exceed ${kernelLimits.localsTimesControlMax}.`,
        at,
      );
  }
}

const EMPTY_BLOCK = 0x40;

const slotBytes = (type: number): number =>
  type === valueType.v128 ? VECTOR_SLOT_BYTES : SLOT_BYTES;
