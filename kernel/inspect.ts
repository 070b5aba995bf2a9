/**
 * Tells what a module is and whether it may be a kernel, without changing it. Where the meter throws
 * at the first thing that is wrong, the inspector says it and whatever else it could find out.
 */
import { admit, admitEntry, type KernelKind, kindOf } from './meter/admit.ts';
import { decodeModule } from './meter/decode.ts';
import { WHOLE_MEMORY_PAGES } from './meter/limits.ts';
import type { ExternalKind, KernelModule } from './meter/module.ts';
import { type FunctionPlan, nanKinds } from './meter/plan.ts';
import { type Survey, survey } from './meter/survey.ts';
import { KernelRefused, type Refusal } from './refused.ts';

export interface KernelInspection {
  accepted: boolean;
  /** Why not; absent when accepted. */
  refusal?: Refusal;
  bytes: number;
  kind: KernelKind;
  imports: { module: string; name: string; kind: ExternalKind }[];
  exports: { name: string; kind: ExternalKind }[];
  /** In pages of 64 KiB; null without memory, and `maxPages` null where the module sets no limit. */
  memory: { initialPages: number; maxPages: number | null } | null;
  /** Functions with a body. */
  functions: number;
  /** Of them, those that count their stack, because they may be on it more than once. */
  recursiveFunctions: number;
  /** Proposals beyond the first WebAssembly that it uses, sorted. */
  features: string[];
  /**
   * Whether the bits of a NaN that it computed may come into memory, into an integer or to another
   * function. They differ between processors and compilers, so the meter makes them the same there,
   * unless it is told not to (`nans` in `meter.ts`).
   */
  floatStores: boolean;
}

/** Never throws: a module that is refused is `{ accepted: false, refusal, … }`. */
export function inspectKernel(
  wasm: Uint8Array,
  options: { memoryPagesMax: number } = { memoryPagesMax: WHOLE_MEMORY_PAGES },
): KernelInspection {
  let module: KernelModule | undefined;
  let surveyed: Survey | undefined;
  const refusals = [
    refusalOf(() => {
      module = decodeModule(wasm);
    }),
    refusalOf(() => module && admit(module, options.memoryPagesMax)),
    refusalOf(() => module && admitEntry(module)),
    refusalOf(() => {
      surveyed = module && survey(module, 'same');
    }),
  ];
  const refusal = refusals.find((each) => each !== null);
  return {
    accepted: refusal === undefined,
    ...(refusal && { refusal }),
    bytes: wasm.length,
    ...describeModule(module),
    ...describeSurvey(surveyed),
  };
}

function refusalOf(step: () => unknown): Refusal | null {
  try {
    step();
    return null;
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    return error.refusal;
  }
}

function describeModule(module: KernelModule | undefined) {
  if (module === undefined)
    return { kind: 'none' as const, imports: [], exports: [], memory: null, functions: 0 };
  const { memory } = module;
  return {
    kind: kindOf(module),
    imports: module.imports.map(({ module: from, name, kind }) => ({ module: from, name, kind })),
    exports: module.exports.map(({ name, kind }) => ({ name, kind })),
    memory: memory && { initialPages: memory.initialPages, maxPages: memory.maxPages },
    functions: module.bodies.length,
  };
}

const makesNansSame = ({ sites }: FunctionPlan): boolean =>
  sites.some(({ kind }) => nanKinds.includes(kind));

function describeSurvey(surveyed: Survey | undefined) {
  const findings = surveyed?.findings;
  return {
    recursiveFunctions: surveyed?.recursive.size ?? 0,
    features: [...(findings?.features ?? [])].sort(),
    floatStores: surveyed?.plans.some(makesNansSame) ?? false,
  };
}
