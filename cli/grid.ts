/** The coordinator's HTTP API as the commands see it: one method for each question. */
import { type AuditEntry, type AuditLog, auditLogSchema } from '../protocol/audit.ts';
import {
  banViewSchema,
  type HostList,
  hostListSchema,
  vouchViewSchema,
} from '../protocol/hosts.ts';
import {
  countryLeaderboardSchema,
  gridViewSchema,
  type JobList,
  jobDocumentViewSchema,
  jobListSchema,
  jobViewSchema,
  leaderboardSchema,
  type Submitted,
  submittedSchema,
  teamLeaderboardSchema,
  unitCreditSchema,
} from '../protocol/http.ts';
import type { Digest } from '../protocol/ids.ts';
import type { JobDocumentInput } from '../protocol/job.ts';
import {
  balanceSchema,
  disabledKernelsSchema,
  type SettingsChange,
  settingsSchema,
} from '../protocol/operation.ts';
import {
  freshTokenSchema,
  type TokenRequest,
  tokenListSchema,
  tokenViewSchema,
} from '../protocol/tokens.ts';
import { whyViewSchema } from '../protocol/why.ts';
import { defaultUrl } from './command.ts';
import { Failure } from './failure.ts';
import { openHttp } from './http.ts';
import { findToken } from './token.ts';

export type Grid = ReturnType<typeof openGrid>;

export function openGrid(options: { url: string; tokenFile?: string | undefined }) {
  const { request, ask, stream } = openHttp(options.url, findToken(options.url, options.tokenFile));
  const jobPath = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;

  return {
    url: options.url,
    /** A command about this grid as the person would have to type it. */
    hint: (command: string) =>
      options.url === (process.env['MANYHANDS_URL'] ?? defaultUrl)
        ? `manyhands ${command}`
        : `manyhands ${command} --url ${options.url}`,
    grid: () => ask(gridViewSchema, '/v1/grid'),
    /** So many of the newest; `more` is null when these are all. */
    async jobs(max: number): Promise<JobList> {
      const list = await ask(jobListSchema, '/v1/jobs');
      while (list.more !== null && list.jobs.length < max) {
        const page = await ask(jobListSchema, `/v1/jobs?after=${encodeURIComponent(list.more)}`);
        list.jobs.push(...page.jobs);
        list.more = page.more;
      }
      const isCut = list.jobs.length > max;
      return { jobs: list.jobs.slice(0, max), more: isCut ? String(max) : list.more };
    },
    job: (id: string) => ask(jobViewSchema, jobPath(id)),
    document: async (id: string) =>
      (await ask(jobDocumentViewSchema, `${jobPath(id)}/document`)).document,
    why: (path: string) => ask(whyViewSchema, `${path}/why`),

    tokens: async () => (await ask(tokenListSchema, '/v1/tokens')).tokens,
    createToken: (wanted: TokenRequest) => ask(freshTokenSchema, '/v1/tokens', post(wanted)),
    revokeToken: (id: string, reason: string) =>
      ask(tokenViewSchema, `/v1/tokens/${encodeURIComponent(id)}/revoke`, post({ reason })),

    pause: (id: string, reason: string) =>
      ask(jobViewSchema, `${jobPath(id)}/pause`, post({ reason })),
    remove: (id: string, reason: string) =>
      ask(jobViewSchema, `${jobPath(id)}/remove`, post({ reason })),
    resume: (id: string, reason: string) =>
      ask(jobViewSchema, `${jobPath(id)}/resume`, post({ reason })),
    curate: (id: string, verb: 'curate' | 'uncurate', reason: string) =>
      ask(jobViewSchema, `${jobPath(id)}/${verb}`, post({ reason })),

    /** So many, those that are connected first; `more` is null when these are all. */
    async hosts(max: number): Promise<HostList> {
      const list = await ask(hostListSchema, '/v1/hosts');
      // A page may repeat what another one had.
      const hosts = new Map(list.hosts.map((host) => [host.hostId, host]));
      while (list.more !== null && hosts.size < max) {
        const page = await ask(hostListSchema, `/v1/hosts?after=${list.more}`);
        for (const host of page.hosts) if (!hosts.has(host.hostId)) hosts.set(host.hostId, host);
        list.more = page.more;
      }
      return { ...list, hosts: [...hosts.values()].slice(0, max) };
    },
    ban: (id: string, reason: string) =>
      ask(banViewSchema, `/v1/hosts/${encodeURIComponent(id)}/ban`, post({ reason })),
    vouch: (id: string, isAnchor: boolean, reason: string) =>
      ask(
        vouchViewSchema,
        `/v1/hosts/${encodeURIComponent(id)}/${isAnchor ? 'vouch' : 'unvouch'}`,
        post({ reason }),
      ),
    unban: (id: string, reason: string) =>
      ask(banViewSchema, `/v1/hosts/${encodeURIComponent(id)}/unban`, post({ reason })),

    disabledKernels: async () => (await ask(disabledKernelsSchema, '/v1/kernels/disabled')).kernels,
    switchKernel: async (digest: string, verb: 'disable' | 'enable', reason: string) =>
      (
        await ask(
          disabledKernelsSchema,
          `/v1/kernels/${encodeURIComponent(digest)}/${verb}`,
          post({ reason }),
        )
      ).kernels,

    balance: () => ask(balanceSchema, '/v1/balance'),
    settings: () => ask(settingsSchema, '/v1/settings'),
    changeSettings: (change: SettingsChange) =>
      ask(settingsSchema, '/v1/settings', { ...post(change), method: 'PATCH' }),

    /** The last so many entries of the audit log, newest first. */
    async auditLog(last: number, perPage: number): Promise<AuditEntry[]> {
      const entries: AuditEntry[] = [];
      for (let before: string | null = null; entries.length < last; ) {
        const max = Math.min(last - entries.length, perPage);
        const page: AuditLog = await ask(
          auditLogSchema,
          `/v1/audit-log?max=${max}${before === null ? '' : `&before=${before}`}`,
        );
        entries.push(...page.entries);
        if (page.more === null) break;
        before = page.more;
      }
      return entries;
    },

    unitCredit: (id: string, unit: number) =>
      ask(unitCreditSchema, `${jobPath(id)}/units/${unit}/credit`),
    /** Every entry, and how the accounts stand, as JSONL. */
    ledger: () => stream('/v1/ledger'),
    standings: async (by: 'total' | 'recent' = 'total') =>
      (await ask(leaderboardSchema, `/v1/leaderboard?by=${by}`)).standings,
    countryStandings: async (by: 'total' | 'recent') =>
      (await ask(countryLeaderboardSchema, `/v1/leaderboard?countries=1&by=${by}`)).standings,
    teamStandings: async (by: 'total' | 'recent') =>
      (await ask(teamLeaderboardSchema, `/v1/leaderboard?teams=1&by=${by}`)).standings,

    /** The key makes a repeat after a lost reply find the first job instead of making a second. */
    submit: (document: JobDocumentInput): Promise<Submitted> =>
      ask(submittedSchema, '/v1/jobs', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
        body: JSON.stringify(document),
      }),

    cancel: (id: string, reason: string) =>
      ask(jobViewSchema, `${jobPath(id)}/cancel`, post({ reason })),

    /** JSONL in the order of the units, as far as it is decided, from a unit on. */
    results: (id: string, from: number) => stream(`${jobPath(id)}/results?from=${from}`),
    revocations: (id: string, after: number) => stream(`${jobPath(id)}/revocations?after=${after}`),

    artifact: (digest: Digest) => stream(`/v1/artifacts/${digest}`),
    async hasArtifact(digest: Digest): Promise<boolean> {
      try {
        await request(`/v1/artifacts/${digest}`, { method: 'HEAD' });
        return true;
      } catch (error) {
        if (error instanceof Failure && error.code === 'artifact_unknown') return false;
        throw error;
      }
    },

    async putArtifact(digest: Digest, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
      await request(`/v1/artifacts/${digest}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: bytes,
        patient: true,
      });
    },
  };
}

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
