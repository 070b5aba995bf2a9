/**
 * Units recorded per second, and what a unit costs, against BullMQ's ordinary Worker with one entry
 * per unit on the same kind of Redis in the same run.
 *
 * Ours: a coordinator in a process of its own over an embedded Redis (appendfsync always), 32
 * volunteers over real WebSockets who echo, with 16 leases of 1, 8 or 32 units out at once, group
 * commit, ledger and all; and once more with all of them hosts of one account, of which nothing is checked, so that it
 * can be seen what checks cost: one unit in twenty is computed again. BullMQ: Queue.addBulk and a Worker with concurrency 50 that keeps each result
 * as the entry's return value, in a process of its own, over a Redis set up the same. Both have run for some
 * seconds before they are measured. Wall rates swing with whatever else the machine does; the figure to
 * compare is CPU time per unit, of server and Redis together.
 */
import { measureBullmq, measureOurs, type Rate } from './unit-rate.ts';

const leaseSizes = [1, 8, 32];
type Case = {
  leaseUnits: number;
  unitsPerSecond: number;
  cpuMicrosPerUnit: number;
  uncheckedUnitsPerSecond: number;
  uncheckedCpuMicrosPerUnit: number;
  bullmqUnitsPerSecond: number;
  bullmqCpuMicrosPerUnit: number;
  ratioCpu: number;
  uncheckedRatioCpu: number;
};

export async function throughput(say: (line: string) => void): Promise<{ cases: Case[] }> {
  const cases: Case[] = [];
  for (const leaseUnits of leaseSizes) {
    const bullmq = await measureBullmq();
    const ours = await measureOurs({ leaseUnits, isOneAccount: false });
    const unchecked = await measureOurs({ leaseUnits, isOneAccount: true });
    const ratioCpu = bullmq.cpuMicrosPerUnit / ours.cpuMicrosPerUnit;
    const uncheckedRatioCpu = bullmq.cpuMicrosPerUnit / unchecked.cpuMicrosPerUnit;
    cases.push({
      leaseUnits,
      ...ours,
      uncheckedUnitsPerSecond: unchecked.unitsPerSecond,
      uncheckedCpuMicrosPerUnit: unchecked.cpuMicrosPerUnit,
      bullmqUnitsPerSecond: bullmq.unitsPerSecond,
      bullmqCpuMicrosPerUnit: bullmq.cpuMicrosPerUnit,
      ratioCpu,
      uncheckedRatioCpu,
    });
    say(`leases of ${leaseUnits}`);
    say(`  BullMQ            ${rate(bullmq)}`);
    say(`  ours              ${rate(ours)}, CPU ratio ${ratioCpu.toFixed(1)}`);
    say(`  … nothing checked ${rate(unchecked)}, CPU ratio ${uncheckedRatioCpu.toFixed(1)}`);
  }
  return { cases };
}

const rate = ({ unitsPerSecond, cpuMicrosPerUnit }: Rate): string =>
  `${Math.round(unitsPerSecond).toLocaleString('en')} units/s at ${cpuMicrosPerUnit.toFixed(1)} µs of CPU`;
