/** Scans all functions of a module and then looks at them together. */
import { KernelRefused } from '../refused.ts';
import { findRecursion } from './call-graph.ts';
import { CONTROL_STATE, LOOP_STATE } from './compile-cost.ts';
import type { Findings } from './findings.ts';
import { kernelLimits } from './limits.ts';
import type { KernelModule } from './module.ts';
import type { FunctionPlan } from './plan.ts';
import { scanFunction } from './scan.ts';

export interface Survey {
  /** One for each function that is not imported. */
  plans: FunctionPlan[];
  findings: Findings;
  /** Which of them may stand on the call stack more than once. */
  recursive: Set<number>;
}

export function survey(module: KernelModule): Survey {
  const findings: Findings = { features: new Set(), makesNan: false, showsNan: false };
  if (module.globals.some(({ isMutable }) => isMutable)) findings.features.add('mutable-globals');
  const totals = { controlState: 0, loopState: 0, sites: 0 };
  const plans = module.bodies.map((body, index) => {
    const type = module.functions[module.importedFunctions + index];
    if (type === undefined) throw new Error(`function ${index} has a body and no type`);
    if (type.results.length > 1) findings.features.add('multi-value');
    const plan = scanFunction(module, type, body, findings);
    totals.controlState += plan.controlState;
    totals.loopState += plan.loopState;
    totals.sites += plan.sites.length;
    limit(totals.controlState, kernelLimits.moduleControlStateMax, CONTROL_STATE, body.start);
    limit(totals.loopState, kernelLimits.moduleLoopStateMax, LOOP_STATE, body.start);
    limit(totals.sites, kernelLimits.sitesMax, 'places to meter', body.start);
    return plan;
  });
  return { plans, findings, recursive: findRecursion(module, plans) };
}

function limit(value: number, max: number, what: string, at: number): void {
  if (value > max)
    throw new KernelRefused('limit_exceeded', `Over ${max} ${what} in all functions.`, at);
}
