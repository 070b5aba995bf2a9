/**
 * The numbers of trust, each with its reason. The policy is: commit, audit, hold, revoke.
 *
 * One law governs all policies that accept single results and check a share q of them. A cheater who
 * picks how often it lies leaves at best f / (e · q · W) wrong results, where f is the cheaters'
 * share of the work and W how many results of one account can still be taken back (or how many it
 * ever makes, if that is less). So the levers are q, W and the price of a new identity; how clever
 * the checks are is none. `bench trust` measures what the numbers below come to.
 */
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * The first results of a host and of an account are all audited. Five kill hosts that are always
 * wrong, and at 1,000 results a host cost half a percent. While they are pending the ordinary share is
 * audited: what a host makes meanwhile is not final before it is mature, so it gains nothing by it.
 */
export const probationAudits = 5;

/**
 * Audits are checked too: otherwise two who collude and meet, one as the auditor, are never found
 * out. A tenth of the audits is half a percent of the work.
 */
export const auditOfAuditShare = 0.1;

/** Signs that a host is not what it was: half of its next twenty results (ten audits) tell. */
export const boostedAuditShare = 0.5;
export const boostedResults = 20;
/** A host that was away longer may be another machine, or another person. */
export const longSilenceMs = 30 * dayMs;

/**
 * Whoever audits newcomers: two hundred results and three days are dearer than what a newcomer could
 * gain by passing bad results of its own kind. A proof of a wrong result counts for ninety days.
 */
export const trustedResultsMin = 200;
export const trustedAgeMs = 3 * dayMs;
export const proofMemoryMs = 90 * dayMs;

/**
 * Results of an account that leaves before this many are checked again. Without it, leaving after
 * the probation and one lie is the best attack (1,100 wrong results per million at f = 1 %).
 */
export const maturityResults = 200;
/** An account that has not been seen for so long has left. */
export const departureMs = 7 * dayMs;

/**
 * A result becomes final after so many later ones of its account, and a week: then one that is caught
 * late can still be taken back. Never later than a month: scientists wait, and credit does too.
 */
export const holdResults = 10_000;
export const holdMs = 7 * dayMs;
export const holdMsMax = 30 * dayMs;
/**
 * What was to be confirmed and nobody has confirmed by then is taken as it is: a month more, for whoever may
 * come by. Without it a household whose only neighbour has left would wait for its credit for ever.
 */
export const verifyMsMax = 2 * holdMsMax;

/**
 * Of a host that is proven wrong for the first time, so many open results are checked again. A host
 * that lies in every tenth result passes 30 with 4 %, a flipped bit costs 30 units and no more. (With
 * 20 it was 12 %, and most of what was still wrong at the end had slipped through there.)
 */
export const revocationSample = 30;

/** Three proven wrong within a month is no accident; each quarantine is twice as long. */
export const strikesMax = 3;
export const strikeMemoryMs = 30 * dayMs;
export const quarantineMs = dayMs;
/** Doubling stops at two years: far beyond it a date means nothing. */
export const quarantineDoublingsMax = 10;

/**
 * A host that was proven wrong and is expected to be so more than once in a thousand results works in
 * quorums of two until its record says otherwise. Honest machines are a hundred times better.
 */
export const flakyErrorShare = 1e-3;

/**
 * Audits go first to hosts that have passed fewer comparisons than this, and wait a unit's time for
 * one. It costs nothing, and who lies in every tenth result passes thirty with 4 %.
 */
export const youngChecks = 30;
export const youngPatienceMs = 10 * minuteMs;
/** A check that its preferred hosts have not taken by then goes to the next best. */
export const patienceMs = hourMs;
/** And by then to anyone of another account: a young grid has no trusted hosts and may have no anchor. */
export const patienceMsMax = dayMs;
/**
 * A host that has reported asks again after a round trip, and is seen by the next look. Whoever has lost its
 * connection is not waited for: most of those do not come back soon.
 */
export const nobodyHereMs = 500;
/** A unit's time: whoever is at work when a job is decided has asked again by then. */
export const closingMsMax = 10 * minuteMs;
