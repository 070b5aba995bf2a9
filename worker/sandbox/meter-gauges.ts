/**
 * The globals that the meter puts into every kernel (`kernel/meter.ts` says what each means), found
 * by name in a fresh instance. A module without them would run without a limit, so it does not run.
 */
export interface MeterGauges {
  /** What is left; negative when the kernel wanted more than it had. */
  fuel: { value: bigint };
  /** Negative after a trap for too deep a recursion. */
  stack: { value: number };
  growth: { value: number };
}

/** Values of `growth`. */
export const growth = { overLimit: 1, hostFailed: 2 } as const;

export function findGauges(exports: WebAssembly.Exports): MeterGauges {
  return {
    fuel: find(exports, 'manyhands_fuel', 'bigint'),
    stack: find(exports, 'manyhands_stack', 'number'),
    growth: find(exports, 'manyhands_growth', 'number'),
  };
}

function find<Value>(exports: WebAssembly.Exports, name: string, type: string): { value: Value } {
  const found = exports[name];
  if (!(found instanceof WebAssembly.Global) || typeof found.value !== type)
    throw new Error(`This is no metered kernel: it does not export ${name}.`);
  return found as { value: Value };
}
