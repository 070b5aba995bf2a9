/**
 * One credit is 10^12 fuel. The ledger counts integer microcredit, so 10^6 fuel is the smallest
 * amount that is paid; each posting is rounded down, which is why a sum of postings may be a little
 * under the credit of the summed fuel.
 */
export const fuelPerMicro = 1_000_000;

/** Microcredit for the metered fuel of one unit. */
export const creditMicro = (fuel: number): number => Math.floor(fuel / fuelPerMicro);
