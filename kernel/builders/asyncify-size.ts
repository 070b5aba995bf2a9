/**
 * Refuses what Asyncify would take minutes for, before it begins. Its work is known from the call graph:
 * it changes every function from which a checkpoint can be reached, and any function pointer may lead
 * to one. Times are Binaryen's on a quiet machine; at each limit it is done in half a minute.
 */
import { withFunction } from '../meter/function-name.ts';
import type { KernelModule } from '../meter/module.ts';
import type { FunctionPlan } from '../meter/plan.ts';
import { survey } from '../meter/survey.ts';
import { KernelRefused } from '../refused.ts';

const limits = {
  /** 2.5 ms for a function that does nothing but loop. Programs of clang and Rust have some hundreds. */
  functions: 4_000,
  /** A megabyte once it is metered: 25 s. */
  codeBytes: 768 * 1024,
  /** Of each function, the square: 1.7 µs. QuickJS's interpreter calls from 764 places. */
  squaredCalls: 8_000_000,
};

/** Throws KernelRefused. */
export function admitToAsyncify(module: KernelModule): void {
  const changed = leadingToCheckpoint(module, survey(module, 'any').plans);
  const [first] = changed;
  if (first === undefined) return;
  const sum = (of: (plan: FunctionPlan) => number) =>
    changed.reduce((total, plan) => total + of(plan), 0);
  const refuse = (what: string, { codeStart }: FunctionPlan): never => {
    const sentence = `${what} lead to checkpoint(), or may through a function pointer.`;
    throw withFunction(new KernelRefused('limit_exceeded', sentence, codeStart), module);
  };
  if (changed.length > limits.functions)
    refuse(`${changed.length} functions, where ${limits.functions} may,`, first);
  const bytes = sum(codeBytes);
  if (bytes > limits.codeBytes)
    refuse(`${bytes} bytes of code, where ${limits.codeBytes} may,`, first);
  if (sum((plan) => calls(plan) ** 2) > limits.squaredCalls) {
    const most = changed.reduce((most, plan) => (calls(plan) > calls(most) ? plan : most), first);
    refuse(`Functions with too many calls in them, ${calls(most)} in this one,`, most);
  }
}

const calls = ({ sites }: FunctionPlan): number =>
  sites.filter(({ kind }) => kind === 'call').length;
const codeBytes = ({ codeStart, codeEnd }: FunctionPlan): number => codeEnd - codeStart;

function leadingToCheckpoint(
  { imports, importedFunctions }: KernelModule,
  plans: readonly FunctionPlan[],
): FunctionPlan[] {
  const checkpoint = imports
    .filter(({ kind }) => kind === 'function')
    .findIndex(({ module, name }) => module === 'manyhands' && name === 'checkpoint');
  const callers = new Map<number, number[]>();
  const found = new Set<number>();
  const ahead: number[] = [checkpoint];
  plans.forEach(({ callees, indirect }, nth) => {
    for (const callee of callees) {
      const known = callers.get(callee);
      if (known) known.push(importedFunctions + nth);
      else callers.set(callee, [importedFunctions + nth]);
    }
    if (indirect.size > 0) ahead.push(importedFunctions + nth);
  });
  for (let index = ahead.pop(); index !== undefined; index = ahead.pop()) {
    if (found.has(index)) continue;
    found.add(index);
    ahead.push(...(callers.get(index) ?? []));
  }
  return plans.filter((_, nth) => found.has(importedFunctions + nth));
}
