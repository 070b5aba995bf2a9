/**
 * Judges a case: what its testimonies come to, for the unit and for everyone who testified. One step
 * of the whole mechanism, which the coordinator takes over its store and `bench trust` over arrays.
 */
import type { HostId } from '../../../protocol/ids.ts';
import { type Case, rule } from './case.ts';
import { type CheckNeeds, checkNeeds } from './check.ts';
import { isRejection } from './compare.ts';
import { convict, type Reach } from './conviction.ts';
import { passed } from './reliability.ts';
import { type Identity, reputeOf } from './repute.ts';

/** Where the records of hosts and accounts are read and kept during a step. */
export type Records = {
  identityOf(hostId: HostId): Identity;
  keep(hostId: HostId, identity: Identity): void;
};

export type Judgement =
  | { kind: 'settled'; answer: string; convicted: { hostId: HostId; reach: Reach }[] }
  | { kind: 'check'; needs: CheckNeeds }
  | { kind: 'incident' };

/** `lastHeard` is whom a further check would be about. */
export function judge(about: Case, lastHeard: HostId, records: Records, now: number): Judgement {
  const ruling = rule(about);
  if (ruling.kind === 'incident') return ruling;
  if (ruling.kind !== 'settled') {
    const repute = reputeOf(records.identityOf(lastHeard), now);
    return { kind: 'check', needs: checkNeeds(about, ruling, repute) };
  }
  for (const { hostId } of ruling.passed) {
    const { isAnchor, host, account } = records.identityOf(hostId);
    records.keep(hostId, { isAnchor, host: passed(host), account: passed(account) });
  }
  const [candidate] = about.testimonies;
  // That a verifier says no is no proof that whoever computed the result did it wrongly (court.ts).
  const wrong = isRejection(ruling.answer)
    ? ruling.wrong.filter((testimony) => testimony !== candidate)
    : ruling.wrong;
  const convicted = wrong.map(({ hostId }) => {
    const { identity, reach } = convict(records.identityOf(hostId), hostId, now);
    records.keep(hostId, identity);
    return { hostId, reach };
  });
  return { kind: 'settled', answer: ruling.answer, convicted };
}
