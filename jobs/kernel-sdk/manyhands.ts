/**
 * What a Manyhands host offers beyond WASI. Using it ties a kernel to such hosts, so leave it out of
 * kernels that others should be able to run in any WASI runtime.
 */

/** Tells the volunteer how far the unit is, from 0 to 1. It has no influence on the result. */
export declare function progress(done: f64): void;

/**
 * A good moment to save the unit, for kernels that run longer than a volunteer's evening. It takes
 * 500 fuel and has no influence on the result; once a second of work is often enough.
 */
export declare function checkpoint(): void;
