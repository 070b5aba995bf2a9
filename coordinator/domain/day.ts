/** Days are UTC days since 1970: what the ledger keeps by day, it keeps by these. */
export const dayMs = 86_400_000;

export const dayOf = (now: number): number => Math.floor(now / dayMs);
