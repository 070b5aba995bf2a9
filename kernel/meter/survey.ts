/** Scans all functions of a module and then looks at them together. */
import { KernelRefused } from '../refused.ts';
import { findRecursion, type Recursion } from './call-graph.ts';
import { CONTROL_STATE, LOOP_STATE } from './compile-cost.ts';
import type { Findings } from './findings.ts';
import { withFunction } from './function-name.ts';
import { kernelLimits } from './limits.ts';
import type { KernelModule } from './module.ts';
import { findNanSites, keptBytes } from './nan-sites.ts';
import type { FunctionPlan, Site } from './plan.ts';
import { scanFunction } from './scan.ts';

export interface Survey extends Recursion {
  /** One for each function that is not imported. */
  plans: FunctionPlan[];
  findings: Findings;
}

/**
 * `nans` is `same` where the NaNs of arithmetic are to be alike on every host. Throws KernelRefused with
 * the function that is to blame.
 */
export function survey(module: KernelModule, nans: 'same' | 'any'): Survey {
  try {
    return surveyFunctions(module, nans);
  } catch (error) {
    throw error instanceof KernelRefused ? withFunction(error, module) : error;
  }
}

function surveyFunctions(module: KernelModule, nans: 'same' | 'any'): Survey {
  const findings: Findings = { features: new Set() };
  if (module.globals.some(({ isMutable }) => isMutable)) findings.features.add('mutable-globals');
  const totals = { controlState: 0, loopState: 0, sites: 0 };
  const plans = module.bodies.map((body, index) => {
    const type = module.functions[module.importedFunctions + index];
    if (type === undefined) throw new Error(`function ${index} has a body and no type`);
    if (type.results.length > 1) findings.features.add('multi-value');
    const plan = scanFunction(module, type, body, findings);
    if (plan.makesNan && nans === 'same') addNanSites(plan, findNanSites(module, plan));
    totals.controlState += plan.controlState;
    totals.loopState += plan.loopState;
    totals.sites += plan.sites.length;
    limit(totals.controlState, kernelLimits.moduleControlStateMax, CONTROL_STATE, body.start);
    limit(totals.loopState, kernelLimits.moduleLoopStateMax, LOOP_STATE, body.start);
    limit(totals.sites, kernelLimits.sitesMax, 'places to meter', body.start);
    return plan;
  });
  return { plans, findings, ...findRecursion(module, plans) };
}

function addNanSites(plan: FunctionPlan, sites: readonly Site[]): void {
  // What is on top of the stack comes first: other code may hide it. The sort is stable.
  plan.sites = [...sites, ...plan.sites].sort((a, b) => a.at - b.at);
  plan.frameBytes += keptBytes(sites);
}

function limit(value: number, max: number, what: string, at: number): void {
  if (value > max)
    throw new KernelRefused('limit_exceeded', `Over ${max} ${what} in all functions.`, at);
}
