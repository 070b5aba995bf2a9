/**
 * Raised whenever the same kernel and input could give other output bytes or other fuel than
 * before: prices of calls, the clock, the stream of randomness, the order of listings, quotas.
 * Results of different versions must not be compared.
 */
export const sandboxVersion = 1;
