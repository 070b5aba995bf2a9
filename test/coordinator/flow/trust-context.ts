/** What the steps of trust use of a context, over a store in memory with one job; the rest of a coordinator is in test/simulation. */
import { pino } from 'pino';
import { Capacities } from '../../../coordinator/domain/capacities.ts';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { KnownHosts } from '../../../coordinator/domain/trust/known-hosts.ts';
import { Window } from '../../../coordinator/domain/window.ts';
import type { closeJobs } from '../../../coordinator/flow/close-jobs.ts';
import type { drawAudits } from '../../../coordinator/flow/draw-audits.ts';
import type { hearChecks } from '../../../coordinator/flow/hear-checks/hear-checks.ts';
import type { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { MemoryArtifacts } from '../../simulation/memory-artifacts.ts';
import { accountId } from '../builders.ts';

export type TrustContext = Parameters<typeof hearChecks>[0] &
  Parameters<typeof closeJobs>[0] &
  Parameters<typeof drawAudits>[0];

export async function aTrustContext(
  store: MemoryStore,
  job: JobFacts,
  parts: Partial<TrustContext> = {},
): Promise<TrustContext> {
  return {
    store,
    grid: await store.grid.open({ gridId: 'g', partitions: 1, createdAt: 0 }),
    window: new Window(),
    artifacts: new MemoryArtifacts(() => 1000),
    jobs: { facts: async () => job, known: () => job },
    knownHosts: new KnownHosts(),
    capacities: new Capacities(),
    ordersOut: new Map(),
    auditSecret: Buffer.from('secret'),
    now: () => 1000,
    randomBytes: (count) => new Uint8Array(count),
    log: pino({ level: 'silent' }),
    happened: () => {},
    queue: { add: async () => {} },
    ...parts,
  };
}

export const operator = {
  tokenId: 't0123456789abcdef',
  accountId: accountId(9),
  name: 'operator',
  scopes: ['operate' as const],
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
};
