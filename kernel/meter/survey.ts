/** Scans all functions of a module and then looks at them together. */
import { findRecursion } from './call-graph.ts';
import type { KernelModule } from './module.ts';
import type { Findings, FunctionPlan } from './plan.ts';
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
  const plans = module.bodies.map((body, index) => {
    const type = module.functions[module.importedFunctions + index];
    if (type === undefined) throw new Error(`function ${index} has a body and no type`);
    if (type.results.length > 1) findings.features.add('multi-value');
    return scanFunction(module, type, body, findings);
  });
  return { plans, findings, recursive: findRecursion(module, plans) };
}
