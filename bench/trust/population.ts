/**
 * Who computes: honest hosts, broken ones, and adversaries. An answer of 0 is right; any other number
 * is wrong, and equal numbers agree. What an adversary knows is what it would in the world: its own
 * history, and the unit. It cannot tell an audit from another unit.
 */
import { type Chance, shareOf } from './chance.ts';

export type Adversary =
  | { kind: 'none' }
  /** Lies in a share of its results, each lie another. */
  | { kind: 'independent'; lies: number }
  /** All lie about the same units, and say the same. */
  | { kind: 'colluding'; lies: number }
  /** Colluders who are honest until half of their results are in. */
  | { kind: 'betraying'; lies: number; after: number }
  /** Lies, and comes back under a new name whenever it gets no more work. */
  | { kind: 'whitewashing'; lies: number }
  /** So many honest results, one lie, a new name. */
  | { kind: 'hit_and_run'; honest: number }
  /** No malice: 35 % of the hosts err in a share of their results, uniformly up to twice this. */
  | { kind: 'flaky'; errors: number };

export type Population = {
  hosts: number;
  /** Share of the hosts that are the adversary's. */
  bad: number;
  adversary: Adversary;
};

/** A machine: it may go through several identities. */
export type Machine = {
  number: number;
  identity: number;
  network: string;
  isBad: boolean;
  isAnchor: boolean;
  /** Share of its results that are wrong by accident. */
  errors: number;
  msPerUnit: number;
  /** Of its present identity. */
  results: number;
  lies: number;
};

/** One host in a hundred is the operator's (1-2 % of the capacity is enough). */
const anchorShare = 0.01;
const flakyShare = 0.35;
/** Spread of speeds among SETI@home's hosts is 0.65-0.99; the middle. */
const speedDeviation = 0.8;
/** Units are best sized to 1-15 minutes. */
const unitMs = 600_000;
/** Three hosts to a household or a lab, of different accounts. */
const hostsPerNetwork = 3;

export function populate({ hosts, bad, adversary }: Population, chance: Chance): Machine[] {
  const anchors = Math.ceil(hosts * anchorShare);
  const firstBad = hosts - Math.round(hosts * bad);
  return Array.from({ length: hosts }, (_, number): Machine => {
    const isAnchor = number < anchors;
    const isFlaky = adversary.kind === 'flaky' && !isAnchor && chance.share() < flakyShare;
    return {
      number,
      identity: number,
      network: `network-${chance.below(Math.ceil(hosts / hostsPerNetwork))}`,
      isBad: number >= firstBad,
      isAnchor,
      errors: isFlaky ? adversary.errors * 2 * chance.share() : 0,
      msPerUnit: unitMs / Math.exp(speedDeviation * chance.normal()),
      results: 0,
      lies: 0,
    };
  });
}

/** The answer that colluders have agreed upon; accidents and lone lies are each another. */
const agreedLie = 1;
const machinesMax = 100_000;
const aLie = ({ number, results }: Machine) => agreedLie + 1 + number + results * machinesMax;

export function answer(
  machine: Machine,
  unit: number,
  adversary: Adversary,
  chance: Chance,
): number {
  const said = machine.isBad
    ? badAnswer(machine, unit, adversary, chance)
    : machine.errors > 0 && chance.share() < machine.errors
      ? aLie(machine)
      : 0;
  machine.results++;
  if (said !== 0) machine.lies++;
  return said;
}

function badAnswer(machine: Machine, unit: number, adversary: Adversary, chance: Chance): number {
  switch (adversary.kind) {
    case 'none':
    case 'flaky':
      return 0;
    case 'independent':
    case 'whitewashing':
      return chance.share() < adversary.lies ? aLie(machine) : 0;
    case 'colluding':
      return shareOf(unit) < adversary.lies ? agreedLie : 0;
    case 'betraying':
      return machine.results >= adversary.after && shareOf(unit) < adversary.lies ? agreedLie : 0;
    case 'hit_and_run':
      return machine.results >= adversary.honest ? aLie(machine) : 0;
  }
}
