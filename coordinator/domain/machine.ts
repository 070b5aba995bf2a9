/** Whether a host can run a job's units at all: it has the memory, and its WebAssembly what the kernel uses. */
import { featuresLacking, type HostFeature } from '../../protocol/features.ts';
import type { Hello } from '../../protocol/messages.ts';
import type { JobFacts } from './job.ts';

export type Machine = {
  memoryBytes: number;
  /** Hardly any lacks anything. */
  lacks?: readonly HostFeature[];
};

export type Needs = { memoryBytes: number; features: readonly HostFeature[] };

export type Unfit = 'too_small' | 'lacks_feature';

/** Of all that the job gives out: its kernel's units, and its verifier's. */
export const needsOf = ({ document, kernel, verifier }: JobFacts): Needs => ({
  memoryBytes: document.limits.memoryBytesMax,
  features: [...(kernel.features ?? []), ...(verifier?.features ?? [])],
});

export const fits = (job: JobFacts, machine: Machine): boolean =>
  job.document.limits.memoryBytesMax <= machine.memoryBytes &&
  (machine.lacks === undefined || unfit(needsOf(job), machine) === null);

/** Why a host cannot run it; null when it can. */
export function unfit({ memoryBytes, features }: Needs, machine: Machine): Unfit | null {
  if (machine.memoryBytes < memoryBytes) return 'too_small';
  const { lacks = [] } = machine;
  return features.some((feature) => lacks.includes(feature)) ? 'lacks_feature' : null;
}

/** Why none of some can: of those with the memory for it, if there are any. Null when one can. */
export function unfitAll(needs: Needs, machines: readonly Machine[]): Unfit | null {
  const found = machines.map((machine) => unfit(needs, machine));
  if (found.includes(null)) return null;
  return found.includes('lacks_feature') ? 'lacks_feature' : 'too_small';
}

/** Of each kind the largest: what all of them can run, these can. */
export function largestMachines(machines: Iterable<Machine>): Machine[] {
  const largest = new Map<string, Machine>();
  for (const machine of machines) {
    const kind = (machine.lacks ?? []).join(' ');
    const known = largest.get(kind);
    if (known === undefined || known.memoryBytes < machine.memoryBytes) largest.set(kind, machine);
  }
  return [...largest.values()];
}

/** As it says hello. */
export function machineSaid({
  memoryBytes,
  features,
}: Pick<Hello, 'memoryBytes' | 'features'>): Machine {
  const lacks = featuresLacking(features);
  return lacks.length === 0 ? { memoryBytes } : { memoryBytes, lacks };
}

/** Of whatever else is known of a host, what it is. */
export const toMachine = ({ memoryBytes, lacks }: Machine): Machine =>
  lacks === undefined ? { memoryBytes } : { memoryBytes, lacks };
