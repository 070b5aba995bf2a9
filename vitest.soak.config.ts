/**
 * `npm run soak`: the simulation with many more seeds, and the meter with many more tampered modules,
 * than fit in a test run, and half an hour of chaos over real processes; other ones each time. And each
 * program of the WASI test suite saved and resumed, where MANYHANDS_WASI_TESTSUITE names it: five minutes.
 */
import { defineConfig } from 'vitest/config';

/** About half an hour on one core. SIM_SEEDS asks for more or fewer. */
const seeds = '20000';

export default defineConfig({
  test: {
    include: [
      'test/simulation/grid.sim.test.ts',
      'test/chaos/chaos.test.ts',
      'test/attacks/tampered-module.test.ts',
      'test/worker/sandbox/checkpoint/wasi-testsuite.test.ts',
    ],
    pool: 'forks',
    // The dearest program takes four seconds, and ten on a busy machine.
    testTimeout: 60_000,
    env: {
      // Half a minute.
      FUZZ_MUTANTS: process.env['FUZZ_MUTANTS'] ?? '100000',
      SIM_SEEDS: process.env['SIM_SEEDS'] ?? seeds,
      // Some four hundred kills.
      CHAOS_MINUTES: process.env['CHAOS_MINUTES'] ?? '30',
      CHAOS_SEED: process.env['CHAOS_SEED'] ?? String(Date.now()),
      WASI_SAVED_EVERY: '1',
      // The time, so that no two soaks are alike; the test's title and each failure say which it was.
      SIM_FIRST: process.env['SIM_FIRST'] ?? String(Date.now()),
    },
  },
});
