/**
 * Fixed quorum of two, as most volunteer projects run: every unit goes to two hosts at once, and to
 * further ones until two agree.
 */
import type { Machine } from './population.ts';
import { WaitingUnits } from './queue.ts';
import type { Validation } from './validation.ts';

type Heard = { host: number; answer: number };
type Ballot = { hosts: number[]; heard: Heard[]; wanted: number; canonical: number | null };

/** Without two that agree by then, the most frequent answer is taken. */
const instancesMax = 10;

export class Quorum implements Validation {
  protected readonly ballots: (Ballot | undefined)[];
  protected readonly again = new WaitingUnits<number>();
  private readonly identities: number[];
  private readonly units: number;
  private fresh = 0;
  private undecided: number;
  private identitiesMade: number;

  constructor(machines: readonly Machine[], units: number) {
    this.units = units;
    this.undecided = units;
    this.ballots = new Array(units);
    this.identities = machines.map(({ number }) => number);
    this.identitiesMade = machines.length;
  }

  get isDone(): boolean {
    return this.undecided === 0;
  }

  canonicalIsRight(unit: number): boolean {
    return this.ballots[unit]?.canonical === 0;
  }

  isRefused(): boolean {
    return false;
  }

  renamed({ number }: Machine): void {
    this.identities[number] = this.identitiesMade++;
  }

  next(machine: Machine): number | null {
    const host = this.identityOf(machine);
    const wanted = this.wantedOf(host);
    // Second instances go first, but a host that is trusted alone keeps to new units while there are any.
    if (wanted > 1 || this.fresh >= this.units) {
      const unit = this.again.take((waiting) => !this.ballotOf(waiting).hosts.includes(host));
      if (unit !== null) {
        this.ballotOf(unit).hosts.push(host);
        return unit;
      }
    }
    if (this.fresh >= this.units) return null;
    const unit = this.fresh++;
    this.ballots[unit] = { hosts: [host], heard: [], wanted, canonical: null };
    for (let i = 1; i < wanted; i++) this.again.add(unit);
    return unit;
  }

  hear(machine: Machine, unit: number, answer: number): void {
    const ballot = this.ballotOf(unit);
    const host = this.identityOf(machine);
    ballot.heard.push({ host, answer });
    if (ballot.canonical !== null) {
      if (ballot.wanted > 1) this.compared(host, answer === ballot.canonical);
      return;
    }
    const { answer: leader, votes } = leading(ballot.heard);
    if (votes < ballot.wanted && ballot.heard.length < instancesMax) {
      if (ballot.heard.length >= ballot.hosts.length && ballot.heard.length >= ballot.wanted)
        this.again.add(unit);
      return;
    }
    ballot.canonical = leader;
    this.undecided--;
    if (ballot.wanted === 1) return;
    for (const heard of ballot.heard) this.compared(heard.host, heard.answer === leader);
  }

  /** In how many answers a result of this host must agree: fixed here, adaptive in BOINC. */
  protected wantedOf(_host: number): number {
    return 2;
  }

  /** A result of the host was compared with others'. */
  protected compared(_host: number, _isRight: boolean): void {}

  private identityOf({ number }: Machine): number {
    return this.identities[number] ?? number;
  }

  private ballotOf(unit: number): Ballot {
    const ballot = this.ballots[unit];
    if (ballot === undefined) throw new Error(`unit ${unit} was not given out`);
    return ballot;
  }
}

function leading(heard: readonly Heard[]): { answer: number; votes: number } {
  let best = { answer: 0, votes: 0 };
  for (const { answer } of heard) {
    const votes = heard.filter((other) => other.answer === answer).length;
    if (votes > best.votes) best = { answer, votes };
  }
  return best;
}
