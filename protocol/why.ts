/**
 * Why a job, a unit or a host waits: one reason each, from a closed list. Each has a sentence for a
 * person, and says whether anything can be done about it; a reason without one cannot be written down.
 */
import { z } from 'zod';

/** Of what is waiting for nothing more, and of what is being worked on. */
const settled = {
  complete: 'Every unit has a result or has failed.',
  cancelled: 'The job was cancelled.',
  accepted: 'The unit has its result.',
  failed: 'The unit has failed; `results` tells why.',
  all_out: 'Every unit that is left is being computed.',
  running: 'The unit is being computed.',
  working: 'The host has units and works on them.',
} as const;

/** The whole list, with the sentence for each. */
export const whySentences = {
  ...settled,
  closing: 'Every unit is decided; hosts of which nothing was checked yet are being checked.',
  checking: 'The unit has a result, which others compute again before it counts.',
  checks_behind: 'What was computed of it is being checked; more is handed out as that gets on.',
  no_anchor:
    'At A3 an anchor has to say the same, and none is here: an operator vouches for a host.',
  few_networks: 'At A3 three accounts on three networks have to say the same, and fewer are here.',
  paused: 'The job is paused: `manyhands job resume` lets it go on.',
  credit_spent:
    'The job is paused, because nobody can pay for it any more: it goes on with credit.',
  kernel_disabled: 'An operator has disabled the kernel of the job.',
  storage: 'The coordinator cannot store results at the moment, so it hands nothing out.',
  draining: 'The coordinator is about to end; it is back in a moment, or another one takes over.',
  strained:
    'The coordinator has more to do than it can: it takes results, and hands out more in a moment.',
  no_hosts: 'No host is connected: it begins when one joins.',
  too_small: 'Every host that is connected lends less memory than the job asks for.',
  lacks_feature:
    'The kernel uses something of WebAssembly that no connected host with the memory for it has.',
  resting:
    'It failed on the hosts that are free; a host of another account is awaited, or a while.',
  hosts_kept: 'The hosts that could run it get nothing for a while: ask why of each.',
  in_turn: 'It waits for its turn: hosts are busy with what came before.',
  second_opinion: 'It failed on one host, and another account’s host is to say the same or better.',

  banned: 'An operator has banned the host, or its account.',
  not_connected: 'The host is not connected here.',
  not_asking: 'The host is connected and asks for nothing: its worker is paused, or full.',
  no_jobs: 'There is no open job, or only paused ones.',
  nothing_left: 'Every unit is with some host.',
  tried_before:
    'The units that are free failed on a host of its account: others are to try them first.',
  enough_in_hand: 'The host has as many units as it may have for now; more come as it reports.',
  backing_off: 'Its runs failed one after the other: it gets units again after a rest.',
  quarantined: 'Results of the host were proven wrong: it gets units again when that is over.',
} as const;

export type WhyReason = keyof typeof whySentences;
export const whyReasons = Object.keys(whySentences) as [WhyReason, ...WhyReason[]];

/** GET /v1/jobs/{id}/why, GET /v1/jobs/{id}/units/{unit}/why, GET /v1/hosts/{id}/why */
export const whyViewSchema = z.object({
  about: z.enum(['job', 'unit', 'host']),
  /** `job/unit` for a unit. */
  id: z.string(),
  reason: z.enum(whyReasons),
  /** The sentence of the reason. */
  sentence: z.string(),
  /** What is particular: what somebody said, or figures. */
  detail: z.string(),
});
export type WhyView = z.infer<typeof whyViewSchema>;
