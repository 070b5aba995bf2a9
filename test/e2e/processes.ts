// A grid of real processes, started with the built command as a person would: a coordinator with the
// Redis that it starts itself, and volunteers. A test kills what it likes and starts it again in the
// same folders. Everything lives in one temporary folder, their TMPDIR and home too, so that whatever
// is left behind is found in it.

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { serversOn } from '../../coordinator/redis/orphan.ts';
import type { JobView, ResultLine, Submitted } from '../../protocol/http.ts';
import type { JobDocumentInput } from '../../protocol/job.ts';
import type { AgentEvent } from '../../worker/agent.ts';
import { type Ended, type Running, root, startManyhands } from '../cli/manyhands.ts';
import { processesIn } from '../cli/processes.ts';

export const mersenneKernel = join(root, 'dist/jobs/mersenne/kernel.wasm');

export type Volunteer = {
  readonly name: string;
  /** Every event of its life, also of earlier ones in the same folder. */
  events(): AgentEvent[];
  /** Only sends it. */
  signal(signal: NodeJS.Signals): void;
  /** Sends it and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Ended>;
};

/** What a coordinator is given beside its port and its folder. */
export type CoordinatorParts = { args?: readonly string[]; env?: Record<string, string> };

export class GridProcesses {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-e2e-')));
  url = '';
  private coordinator: Running | null = null;
  private readonly volunteers = new Map<string, Running>();
  private readonly earlier: { name: string; ended: Ended }[] = [];
  private log = '';

  constructor() {
    mkdirSync(join(this.folder, 'tmp'));
  }

  /** On the same port every time, so that volunteers find it again. */
  async startCoordinator({ args = [], env = {} }: CoordinatorParts = {}): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port;
    const { home, env: usual } = this.options;
    const words = ['coordinator', '--port', port, '--data', this.data, ...args];
    for (let isUp = false; !isUp; ) {
      this.coordinator = startManyhands(words, { home, env: { ...usual, ...env } });
      isUp = await this.coordinator.line('ready ').then(
        (url) => {
          this.url = url;
          return true;
        },
        // While nobody listened there, the system has lent the port to whoever tried to connect.
        async (error) => {
          if (!String(error).includes('address_in_use')) throw error;
          await wait(100);
          return false;
        },
      );
    }
  }

  /** Only sends it. */
  signalCoordinator(signal: NodeJS.Signals): void {
    this.coordinator?.kill(signal);
  }

  async killCoordinator(signal: NodeJS.Signals): Promise<Ended> {
    this.coordinator?.kill(signal);
    return await this.coordinatorEnds();
  }

  async coordinatorEnds(): Promise<Ended> {
    if (this.coordinator === null) throw new Error('no coordinator runs');
    const ended = await this.coordinator.ended;
    this.coordinator = null;
    this.log += ended.stderr;
    return ended;
  }

  /** What all coordinators that ended have logged. */
  get coordinatorLog(): string {
    return this.log;
  }

  /** Kills Redis; the coordinator, if it lives, starts it again. */
  async killRedis(): Promise<void> {
    const pids = await serversOn(join(this.data, 'redis'));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const isGone = async () => {
      const now = await serversOn(join(this.data, 'redis'));
      return pids.every((pid) => !now.includes(pid));
    };
    while (!(await isGone())) await wait(5);
  }

  startVolunteer(name: string, ...more: string[]): Volunteer {
    const args = ['--name', name, '--cores', '1', '--data', join(this.folder, name), '--json'];
    const running = this.startCommand('join', this.url, ...args, ...more);
    this.volunteers.set(name, running);
    return {
      name,
      events: () => this.eventsOf(name),
      signal: (signal) => running.kill(signal),
      kill: (signal) => this.killVolunteer(name, signal),
    };
  }

  /** A command of the scientist's. */
  run(...args: string[]): Promise<Ended> {
    return this.command(...args, '--url', this.url);
  }

  /** Any command, to its end. */
  command(...args: string[]): Promise<Ended> {
    return this.startCommand(...args).ended;
  }

  startCommand(...args: string[]): Running {
    return startManyhands(args, this.options);
  }

  async submit(document: JobDocumentInput): Promise<string> {
    const { jobId } = await this.ask<Submitted>('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(document),
    });
    return jobId;
  }

  /** Stores an input; the digest is the caller's to know. */
  async put(digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.ask(`/v1/artifacts/${digest}`, { method: 'PUT', body: bytes });
  }

  show = (jobId: string): Promise<JobView> => this.ask(`/v1/jobs/${jobId}`);

  /** The job once it is as wanted. A coordinator that is away is waited for. */
  async until(jobId: string, isSo: (job: JobView) => boolean): Promise<JobView> {
    for (;;) {
      const job = await this.show(jobId).catch(() => null);
      if (job !== null && isSo(job)) return job;
      await wait(20);
    }
  }

  async results(jobId: string): Promise<ResultLine[]> {
    const reply = await this.fetch(`/v1/jobs/${jobId}/results`);
    const lines = (await reply.text()).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as ResultLine);
  }

  /** Ends everything as it should end. Returns what is left of it: nothing, when all is well. */
  async stop(): Promise<{ codes: (number | null)[]; processes: string[]; temporary: string[] }> {
    const ends = await Promise.all(
      [...this.volunteers.keys()].map((name) => this.killVolunteer(name, 'SIGTERM')),
    );
    if (this.coordinator !== null) ends.push(await this.killCoordinator('SIGTERM'));
    return {
      codes: ends.map(({ code }) => code),
      processes: this.processes(),
      temporary: this.temporary(),
    };
  }

  /** The command lines of all that runs for this grid. */
  processes(): string[] {
    const named = processesIn(this.folder).map(({ pid }) => pid);
    return [...new Set([...named, ...workingIn(this.folder)])]
      .map(commandLine)
      .filter((args) => args !== '');
  }

  /** What is in the folder for temporary files. */
  temporary(): string[] {
    return readdirSync(join(this.folder, 'tmp')).sort();
  }

  /** Ends everything, however it is, and removes the folder. */
  async dispose(): Promise<void> {
    for (const running of [...this.volunteers.values(), this.coordinator]) running?.kill('SIGKILL');
    for (const { pid } of processesIn(this.folder)) process.kill(pid, 'SIGKILL');
    while (processesIn(this.folder).length > 0) await wait(10);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Where the operator's token is. */
  get tokenPath(): string {
    return join(this.data, 'operator.token');
  }

  private get data(): string {
    return join(this.folder, 'coordinator');
  }

  private get options() {
    return { home: this.folder, env: { TMPDIR: join(this.folder, 'tmp') } };
  }

  private async killVolunteer(name: string, signal: NodeJS.Signals): Promise<Ended> {
    const running = this.volunteers.get(name);
    if (running === undefined) throw new Error(`no volunteer ${name} runs`);
    this.volunteers.delete(name);
    running.kill(signal);
    const ended = await running.ended;
    this.earlier.push({ name, ended });
    return ended;
  }

  private eventsOf(name: string): AgentEvent[] {
    const lives = this.earlier.filter((life) => life.name === name).map(({ ended }) => ended);
    const now = this.volunteers.get(name)?.output();
    return [...lives, ...(now === undefined ? [] : [now])].flatMap(({ stdout }) =>
      // A life that was killed may end in the middle of a line.
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as AgentEvent),
    );
  }

  private async ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    const reply = await this.fetch(path, init);
    return (await reply.json()) as T;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const token = readFileSync(this.tokenPath, 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, ...(init.headers as object) };
    const reply = await fetch(`${this.url}${path}`, { ...init, headers });
    if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`);
    return reply;
  }
}

/** Processes whose working folder is this one: a sandbox process names none. Linux alone tells. */
function workingIn(folder: string): number[] {
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter(Number) : [];
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      // Somebody else's, or it ended just now.
      return false;
    }
  });
}

function commandLine(pid: number): string {
  try {
    const args = execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
    });
    return args.trim();
  } catch {
    // It ended just now.
    return '';
  }
}
