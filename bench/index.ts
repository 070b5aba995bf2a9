/** The benches by name. Each says what it does while it runs, and returns what it measured. */
import { backlog } from './backlog.ts';
import { chaos } from './chaos.ts';
import type { Bench, PromisedBenches } from './fields.ts';
import { footprint } from './footprint.ts';
import { manyHosts } from './hosts.ts';
import { ledger } from './ledger.ts';
import { million } from './million.ts';
import { peers } from './peers.ts';
import { recovery } from './recovery.ts';
import { sandbox } from './sandbox.ts';
import { several } from './several.ts';
import { throughput } from './throughput.ts';
import { trust } from './trust.ts';

const all = {
  throughput: {
    summary: 'units recorded per second, and CPU per unit, against BullMQ',
    run: throughput,
  },
  several: {
    summary: 'what a unit costs with two coordinators on one Redis, against one',
    run: several,
  },
  sandbox: {
    summary: 'kernels with their meter, without, and native; tiny units per second',
    run: sandbox,
  },
  trust: {
    summary: 'wrong results and redundancy, against cheaters and two other policies',
    run: trust,
  },
  ledger: {
    summary: 'grants paid per second, and what a page of the leaderboard costs Redis',
    run: ledger,
  },
  hosts: {
    summary: '10,000 connected volunteers: memory each, and how long a want waits',
    run: manyHosts,
  },
  million: {
    summary: 'a job of a million units: memory, and what show and results take',
    run: million,
  },
  backlog: {
    summary: 'what a unit costs when 10^4 units wait, and when 10^9 do',
    run: backlog,
  },
  recovery: {
    summary: 'from kill -9 of a coordinator to full speed, and what was lost by it',
    run: recovery,
  },
  chaos: {
    summary: 'two minutes of kills, cuts, full disks and clocks that jump: what is lost',
    run: chaos,
  },
  peers: {
    summary: 'what a unit costs with dask.distributed, Celery, BullMQ and here',
    run: peers,
  },
  footprint: {
    summary: 'memory of an idle coordinator, and what a job of 10^9 units costs',
    run: footprint,
  },
} satisfies PromisedBenches & Record<string, Bench>;

export const benches: Record<string, Bench> = all;
