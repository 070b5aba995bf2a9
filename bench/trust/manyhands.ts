/**
 * Our own policy, run by the coordinator's real rules (coordinator/domain/trust): commit, audit,
 * hold, revoke. This file keeps what a store would keep, and asks the rules what follows.
 */
import { assurances } from '../../coordinator/domain/trust/assurance.ts';
import { accountsWanted, isAuditAudited } from '../../coordinator/domain/trust/audit.ts';
import { type Case, discount } from '../../coordinator/domain/trust/case.ts';
import { type Check, type CheckNeeds, mayCheck } from '../../coordinator/domain/trust/check.ts';
import { type Reach, toVerifyAgain } from '../../coordinator/domain/trust/conviction.ts';
import { type HoldState, holdState } from '../../coordinator/domain/trust/hold.ts';
import { judge, type Records } from '../../coordinator/domain/trust/judge.ts';
import { departureMs } from '../../coordinator/domain/trust/policy.ts';
import {
  type Reliability,
  recorded,
  stranger,
} from '../../coordinator/domain/trust/reliability.ts';
import { type Identity, reputeOf } from '../../coordinator/domain/trust/repute.ts';
import { auditDraws } from '../../coordinator/tokens/audit-draw.ts';
import type { Chance } from './chance.ts';
import type { Machine } from './population.ts';
import { WaitingUnits } from './queue.ts';
import type { Validation } from './validation.ts';

type Known = Identity & { hostId: string; network: string; units: number[]; draw: () => number };
type UnitCase = Case & {
  recordedAt: number;
  isWaiting: boolean;
  isUnsettled: boolean;
  canonical: string;
};
type Ordered = Check & { unit: number };

const assurance = assurances.A1;
const right = 'right';
const secret = Buffer.from('what no host of this grid knows');
/** Whom a check is for, in the order in which a host is offered them. */
const offered: readonly CheckNeeds[] = ['anchor', 'trusted', 'anyone'];

export class Manyhands implements Validation, Records {
  private readonly cases: (UnitCase | undefined)[];
  private readonly present: Known[] = [];
  private readonly known = new Map<string, Known>();
  private readonly checks: Record<CheckNeeds, WaitingUnits<Ordered>> = {
    anchor: new WaitingUnits(),
    trusted: new WaitingUnits(),
    anyone: new WaitingUnits(),
  };
  private readonly departed: { at: number; who: Known }[] = [];
  private readonly units: number;
  private readonly chance: Chance;
  private fresh = 0;
  private unsettled: number;

  constructor(machines: readonly Machine[], units: number, chance: Chance) {
    this.units = units;
    this.unsettled = units;
    this.chance = chance;
    this.cases = new Array(units);
    for (const machine of machines) this.meet(machine, 0);
  }

  get isDone(): boolean {
    return this.unsettled === 0 && this.departed.length === 0;
  }

  canonicalIsRight(unit: number): boolean {
    return this.cases[unit]?.canonical === right;
  }

  isRefused(machine: Machine, now: number): boolean {
    return reputeOf(this.who(machine), now) === 'quarantined';
  }

  renamed(machine: Machine, now: number): void {
    this.departed.push({ at: now + departureMs, who: this.who(machine) });
    this.meet(machine, now);
  }

  next(machine: Machine, now: number): number | null {
    this.noticeDepartures(now);
    const who = this.who(machine);
    const repute = reputeOf(who, now);
    if (repute === 'quarantined') return null;
    const { hostId, network } = who;
    const checker = { accountId: hostId, network, repute, passed: who.host.passed };
    for (const needs of offered) {
      if (this.checks[needs].size === 0) continue;
      const check = this.checks[needs].take((ordered) =>
        mayCheck(checker, ordered, this.caseOf(ordered.unit).testimonies, now),
      );
      if (check !== null) return check.unit;
    }
    return this.fresh < this.units ? this.fresh++ : null;
  }

  hear(machine: Machine, unit: number, answer: number, now: number): void {
    const who = this.who(machine);
    const { hostId, network, isAnchor } = who;
    const draw = who.draw();
    const known = this.cases[unit];
    const about = known ?? this.open(unit, accountsWanted(who, assurance, draw, now), now);
    // An audit is drawn as well; what is beyond the audit of an audit is not.
    if (known?.wanted === 2 && isAuditAudited(draw)) about.wanted = 3;
    about.testimonies.push({
      hostId,
      accountId: hostId,
      network,
      answer: answer === 0 ? right : `lie ${answer}`,
      isAnchor,
      status: 'heard',
    });
    about.isWaiting = false;
    who.units.push(unit);
    keep(who, recorded(who.host, known !== undefined || about.wanted > 1 ? 1 : 0, now));
    this.judge(unit, hostId, now);
  }

  /** What follows from all that was heard of a unit. `lastHeard` is whom a further check would be about. */
  private judge(unit: number, lastHeard: string, now: number): void {
    const about = this.caseOf(unit);
    const judgement = judge(about, lastHeard, this, now);
    if (judgement.kind === 'incident') throw new Error('the simulated anchors do not err');
    if (judgement.kind === 'check') {
      this.order(unit, about, judgement.needs, now);
      return;
    }
    if (about.isUnsettled) this.unsettled--;
    about.isUnsettled = false;
    about.canonical = judgement.answer;
    for (const { hostId, reach } of judgement.convicted) this.sweep(hostId, reach, now);
  }

  private order(unit: number, about: UnitCase, needs: CheckNeeds, now: number): void {
    if (!about.isUnsettled) this.unsettled++;
    about.isUnsettled = true;
    if (about.isWaiting) return;
    about.isWaiting = true;
    this.checks[needs].add({ unit, needs, since: now, needsNetworks: assurance.needsNetworks });
  }

  /** Doubts the convicted host's open results. */
  private sweep(hostId: string, reach: Reach, now: number): void {
    const open = this.openResults(this.identityOf(hostId), now);
    for (const unit of toVerifyAgain(open, reach, (below) => this.chance.below(below))) {
      this.doubt(unit, hostId, now);
    }
  }

  private doubt(unit: number, hostId: string, now: number): void {
    if (discount(this.caseOf(unit), hostId)) this.judge(unit, hostId, now);
  }

  /** Those whose unit still rests on this host's word. */
  private openResults(who: Known, now: number): number[] {
    return who.units.filter((_, i) => this.holdOf(who, i, now) !== 'final');
  }

  private holdOf(who: Known, position: number, now: number): HoldState {
    const unit = who.units[position] ?? -1;
    const { recordedAt, testimonies } = this.caseOf(unit);
    const isConfirmed = testimonies.some(
      ({ hostId, status }) => hostId !== who.hostId && status === 'passed',
    );
    const laterResults = who.units.length - 1 - position;
    return holdState({ recordedAt, laterResults, isConfirmed }, who.account, now);
  }

  private noticeDepartures(now: number): void {
    for (
      let [first] = this.departed;
      first !== undefined && first.at <= now;
      [first] = this.departed
    ) {
      this.departed.shift();
      const { who } = first;
      const left = who.units.filter((_, i) => this.holdOf(who, i, now) === 'verify');
      for (const unit of left) this.doubt(unit, who.hostId, now);
    }
  }

  private open(unit: number, wanted: number, now: number): UnitCase {
    const about = {
      assurance,
      wanted,
      testimonies: [],
      recordedAt: now,
      isWaiting: false,
      isUnsettled: true,
      canonical: '',
    };
    this.cases[unit] = about;
    return about;
  }

  /** A machine appears, under a name that nobody knows. Its account has no other. */
  private meet({ number, network, isAnchor }: Machine, now: number): void {
    const hostId = `host-${this.known.size}`;
    const record = stranger(now);
    const draw = auditDraws(secret, hostId);
    const who = { hostId, network, isAnchor, host: record, account: record, units: [], draw };
    this.known.set(hostId, who);
    this.present[number] = who;
  }

  private who(machine: Machine): Known {
    const who = this.present[machine.number];
    if (who === undefined) throw new Error(`machine ${machine.number} was never met`);
    return who;
  }

  identityOf(hostId: string): Known {
    const who = this.known.get(hostId);
    if (who === undefined) throw new Error(`nobody is called ${hostId}`);
    return who;
  }

  keep(hostId: string, { host }: Identity): void {
    keep(this.identityOf(hostId), host);
  }

  private caseOf(unit: number): UnitCase {
    const about = this.cases[unit];
    if (about === undefined) throw new Error(`nothing was heard of unit ${unit}`);
    return about;
  }
}

/** Everyone here has one host, so both records are one. */
function keep(who: Known, record: Reliability): void {
  who.host = record;
  who.account = record;
}
