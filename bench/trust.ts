/**
 * What is still wrong at the end, and what it cost: our policy against a fixed quorum of two and
 * BOINC's adaptive replication, over the same hosts and the same adversaries, in simulated time.
 *
 * `wrongPerMillion` counts wrong canonical results when nothing more is to be checked; `overhead` is
 * executed instances per unit, the operator's own included. Our policy is the coordinator's real code
 * (coordinator/domain/trust), with the default level A1.
 */
import { AdaptiveReplication } from './trust/adaptive.ts';
import type { Chance } from './trust/chance.ts';
import { type Measured, runGrid } from './trust/grid.ts';
import { Manyhands } from './trust/manyhands.ts';
import type { Machine, Population } from './trust/population.ts';
import { Quorum } from './trust/quorum.ts';
import type { Validation } from './trust/validation.ts';

const hosts = 1000;
const resultsPerHost = 1000;
const seed = 1;

type Scenario = { name: string } & Omit<Population, 'hosts'>;

const scenarios: Scenario[] = [
  { name: 'no adversary', bad: 0, adversary: { kind: 'none' } },
  ...[1, 0.1, 0.01].map(
    (lies): Scenario => ({
      name: `1 % independent saboteurs, s = ${lies * 100} %`,
      bad: 0.01,
      adversary: { kind: 'independent', lies },
    }),
  ),
  ...[1, 0.1, 0.01].map(
    (lies): Scenario => ({
      name: `5 % colluders, s = ${lies * 100} %`,
      bad: 0.05,
      adversary: { kind: 'colluding', lies },
    }),
  ),
  {
    name: '5 % colluders who betray half-way',
    bad: 0.05,
    adversary: { kind: 'betraying', lies: 1, after: resultsPerHost / 2 },
  },
  {
    name: '1 % whitewashers, s = 10 %',
    bad: 0.01,
    adversary: { kind: 'whitewashing', lies: 0.1 },
  },
  ...[7, 201].map(
    (honest): Scenario => ({
      name: `1 % hit and run, ${honest} right and 1 wrong`,
      bad: 0.01,
      adversary: { kind: 'hit_and_run', honest },
    }),
  ),
  {
    name: '35 % flaky hosts, 1e-4 wrong',
    bad: 0,
    adversary: { kind: 'flaky', errors: 1e-4 },
  },
];

type Policy = (machines: readonly Machine[], units: number, chance: Chance) => Validation;

const policies: Record<string, Policy> = {
  manyhands: (...parts) => new Manyhands(...parts),
  'quorum of 2': (machines, units) => new Quorum(machines, units),
  'BOINC adaptive': (...parts) => new AdaptiveReplication(...parts),
};

type Row = Measured & { name: string; policy: string };

export async function trust(
  say: (line: string) => void,
): Promise<{ scenarios: Row[]; seconds: number }> {
  const rows: Row[] = [];
  const startedAt = performance.now();
  say(
    `${hosts} hosts, ${resultsPerHost} results each: wrong results per million @ instances per unit`,
  );
  for (const { name, ...population } of scenarios) {
    for (const [policy, validationFor] of Object.entries(policies)) {
      const startedAt = performance.now();
      const measured = runGrid(
        { hosts, ...population },
        hosts * resultsPerHost,
        seed,
        validationFor,
      );
      rows.push({ name, policy, ...measured });
      const seconds = (performance.now() - startedAt) / 1000;
      const { wrongPerMillion, overhead } = measured;
      const figures = `${wrongPerMillion.toFixed(1).padStart(8)} @ ${overhead.toFixed(3)}`;
      say(`${name.padEnd(42)} ${policy.padEnd(15)} ${figures}   ${seconds.toFixed(1)} s`);
    }
  }
  return { scenarios: rows, seconds: (performance.now() - startedAt) / 1000 };
}
