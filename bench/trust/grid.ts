/**
 * A grid in simulated time: hosts of different speeds ask, compute, and report over a network that
 * sometimes keeps a report for hours. It runs until the policy has nothing more to ask.
 */
import { Agenda } from './agenda.ts';
import { type Chance, chanceFrom } from './chance.ts';
import { answer, type Machine, type Population, populate } from './population.ts';
import type { Validation } from './validation.ts';

export type Measured = { wrongPerMillion: number; overhead: number; units: number };

/** A host with nothing to do looks again after so long. */
const idleMs = 3_600_000;
/** A run takes about how long a unit of this job takes: kernels are not all of one length. */
const runDeviation = 0.2;
/** Two reports in a hundred come hours late: a laptop was closed, a line was down. */
const lateShare = 0.02;
const lateMsMax = 6 * 3_600_000;
const roundTripMs = 45;
/** No run takes a simulated year; one that does waits for something that cannot come. */
const simulatedMsMax = 365 * 86_400_000;

export function runGrid(
  population: Population,
  units: number,
  seed: number,
  validationFor: (machines: readonly Machine[], units: number, chance: Chance) => Validation,
): Measured {
  const chance = chanceFrom(seed);
  const machines = populate(population, chance);
  const validation = validationFor(machines, units, chance);
  const { adversary } = population;
  const agenda = new Agenda();
  const running = new Map<number, number>();
  let executed = 0;
  for (const { number, msPerUnit } of machines) agenda.add(chance.share() * msPerUnit, number);

  while (!validation.isDone) {
    const event = agenda.next();
    const machine = event && machines[event.host];
    if (event === undefined || machine === undefined) break;
    const now = event.at;
    if (now > simulatedMsMax) throw new Error('the simulated grid waits for what cannot come');
    const unit = running.get(machine.number);
    if (unit !== undefined) {
      running.delete(machine.number);
      executed++;
      validation.hear(machine, unit, answer(machine, unit, adversary, chance), now);
    }
    const isDoneWithName =
      adversary.kind === 'hit_and_run'
        ? machine.lies > 0
        : adversary.kind === 'whitewashing' && validation.isRefused(machine, now);
    if (machine.isBad && isDoneWithName) {
      machine.results = 0;
      machine.lies = 0;
      validation.renamed(machine, now);
    }
    const next = validation.next(machine, now);
    if (next === null) {
      agenda.add(now + idleMs, machine.number);
      continue;
    }
    running.set(machine.number, next);
    const lateMs = chance.share() < lateShare ? chance.share() * lateMsMax : roundTripMs;
    agenda.add(
      now + machine.msPerUnit * Math.exp(runDeviation * chance.normal()) + lateMs,
      machine.number,
    );
  }

  let wrong = 0;
  for (let unit = 0; unit < units; unit++) if (!validation.canonicalIsRight(unit)) wrong++;
  return { wrongPerMillion: (wrong / units) * 1e6, overhead: executed / units, units };
}
