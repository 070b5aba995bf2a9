/**
 * Loaded into a coordinator's process with `node --import`, as a machine whose clock is set: `Date` is off
 * by as many milliseconds as the file says that CHAOS_CLOCK names, whatever it says at the moment.
 * Timers, performance.now and Redis have clocks of their own, and are not touched; so is the product,
 * which runs from dist/ as it is built.
 */
import { readFileSync } from 'node:fs';

const file = process.env['CHAOS_CLOCK'] ?? '';
/** Well below what the driver leaves the clock at. */
const readEveryMs = 50;

let offMs = 0;
const read = () => {
  // Empty for the moment in which it is written: the clock stays as it is.
  const said = readFileSync(file, 'utf8');
  if (said !== '') offMs = Number(said);
};
read();
setInterval(read, readEveryMs).unref();

const MachineDate = Date;
globalThis.Date = class extends MachineDate {
  constructor(...parts) {
    if (parts.length === 0) super(MachineDate.now() + offMs);
    else super(...parts);
  }

  static now() {
    return MachineDate.now() + offMs;
  }
};
