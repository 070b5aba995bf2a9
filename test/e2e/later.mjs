// Preloaded into a coordinator: its clock is ahead by AHEAD_MS, as if so much time had passed since it was last
// started; and what it does once or twice a minute it does within a second, so that no test waits for it.

let aheadMs = Number(process.env['AHEAD_MS'] ?? 0);
const { now } = Date;
Date.now = () => now() + aheadMs;

// SIGUSR2: a minute passes, by both clocks. Leases that nobody renews have ended then.
let passedMs = 0;
const running = performance.now.bind(performance);
performance.now = () => running() + passedMs;
process.on('SIGUSR2', () => {
  aheadMs += 60_000;
  passedMs += 60_000;
});

const unhurried = globalThis.setTimeout;
const hurried = (run, ms, ...args) => unhurried(run, ms >= 20_000 ? ms / 100 : ms, ...args);
globalThis.setTimeout = Object.defineProperties(
  hurried,
  Object.getOwnPropertyDescriptors(unhurried),
);
