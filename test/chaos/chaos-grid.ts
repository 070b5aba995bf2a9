/**
 * A grid of real processes that a service manager keeps running, for a driver to break: a coordinator that runs its
 * own Redis, or one or two that are given one, each behind a proxy of its own; all data on a small disk if there may be
 * one; a proxy in front of their ports, which leads to each of them in turn; and real workers. Whatever ends is started
 * again, in the same folders. Each SIGKILL is counted.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AgentEvent } from '../../worker/agent.ts';
import { type Ended, type Running, startManyhands } from '../cli/manyhands.ts';
import { processesIn } from '../cli/processes.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { ChaosCoordinator } from './chaos-coordinator.ts';
import { killRedisIn, OwnRedis, redisIn, tearJournal } from './chaos-redis.ts';
import { Kept } from './kept.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Room for the journals of half an hour and for their rewriting; filled in a tenth of a second. */
const diskMebibytes = 256;

/** Of each the names of its coordinators. */
const coordinatorsOf = {
  'own Redis': ['coordinator'],
  'Redis behind a proxy': ['coordinator'],
  'two coordinators': ['first', 'second'],
} as const;
export type Topology = keyof typeof coordinatorsOf;
export const topologies = Object.keys(coordinatorsOf) as Topology[];

type Parts = {
  topology: Topology;
  folder: string;
  disk: SmallDisk | null;
  redis: OwnRedis | null;
  coordinators: readonly ChaosCoordinator[];
  door: TcpProxy;
};

export class ChaosGrid {
  readonly topology: Topology;
  readonly folder: string;
  /** Null where none can be mounted. */
  readonly disk: SmallDisk | null;
  readonly coordinators: readonly ChaosCoordinator[];
  /** In front of the coordinators: everybody comes in through it. */
  readonly door: TcpProxy;
  kills = 0;
  /** Ends of processes that nobody brought about, and that no fault explains. */
  readonly crashes: string[] = [];
  /** The one that the coordinators are given; null when one runs its own. */
  private readonly redis: OwnRedis | null;
  private readonly processes = new Map<string, Kept>();

  private constructor(parts: Parts) {
    this.topology = parts.topology;
    this.folder = parts.folder;
    this.disk = parts.disk;
    this.redis = parts.redis;
    this.coordinators = parts.coordinators;
    this.door = parts.door;
  }

  static async start(topology: Topology): Promise<ChaosGrid> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-chaos-')));
    for (const name of ['tmp', 'disk']) mkdirSync(join(folder, name));
    const disk = await SmallDisk.mount(join(folder, 'disk'), diskMebibytes);
    const redis = topology === 'own Redis' ? null : await startRedis(folder, disk);
    const names = coordinatorsOf[topology];
    const coordinators = await Promise.all(
      names.map((name) =>
        ChaosCoordinator.prepare({ name, folder, disk, redis, isShared: names.length > 1 }),
      ),
    );
    let turn = 0;
    // As a load balancer that does not look whether anybody is there.
    const door = await TcpProxy.open(() => coordinators[turn++ % names.length]?.port ?? 0);
    const grid = new ChaosGrid({ topology, folder, disk, redis, coordinators, door });
    for (const coordinator of coordinators)
      grid.keep(coordinator.name, () => coordinator.start(grid.environment));
    return grid;
  }

  /** The ways of the coordinators to a Redis that they are given. */
  get ways(): TcpProxy[] {
    return this.coordinators.flatMap(({ way }) => (way === null ? [] : [way]));
  }

  get url(): string {
    return `http://127.0.0.1:${this.door.port}`;
  }

  keepWorker(name: string): void {
    const folder = join(this.folder, name);
    const args = ['join', this.url, '--name', name, '--cores', '1', '--data', folder, '--json'];
    this.keep(name, () => startManyhands(args, { home: this.folder, env: this.environment }));
  }

  /** The signal for the coordinator or a worker, and how long it is away after that ends it. */
  async strike(name: string, signal: NodeJS.Signals, awayMs = 0): Promise<void> {
    await this.processOf(name).strike(signal, awayMs);
    if (signal === 'SIGKILL') this.kills++;
  }

  /** It does nothing for a while, as when a machine is suspended. */
  async suspend(name: string, forMs: number): Promise<void> {
    const { pid } = await this.processOf(name).running();
    await suspended([pid], forMs);
  }

  async suspendRedis(forMs: number): Promise<void> {
    await suspended(redisIn(this.redisFolder), forMs);
  }

  /** One that the coordinator runs is back when the coordinator has started it again. */
  async killRedis(awayMs: number): Promise<void> {
    if (this.redis === null) {
      this.kills += await killRedisIn(this.redisFolder);
      return;
    }
    await this.redis.process.strike('SIGKILL', awayMs);
    this.kills++;
  }

  /** Every coordinator at once, and Redis, and what Redis was just writing is cut off. */
  async killAllAndTear(bytes: number, awayMs: number): Promise<void> {
    // Held back until the journal is torn: nobody writes to it meanwhile.
    const untilTorn = 60_000;
    const names = this.coordinators.map(({ name }) => name);
    await Promise.all(names.map((name) => this.strike(name, 'SIGKILL', untilTorn)));
    await this.killRedis(untilTorn);
    tearJournal(this.redisFolder, bytes);
    for (const name of names) this.processOf(name).returnIn(awayMs);
    this.redis?.process.returnIn(awayMs);
  }

  /** Everything that a worker told in all of its lives. */
  eventsOf(worker: string): AgentEvent[] {
    return this.processOf(worker)
      .lives()
      .flatMap(({ stdout }) =>
        // A life that was killed may end in the middle of a line.
        stdout
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as AgentEvent),
      );
  }

  /** The end of what it logged in each of its lives. */
  lastWordsOf(name: string): string {
    const lives = this.processOf(name).lives();
    return lives.map(({ stderr }, i) => `${name}, life ${i + 1}:\n${lastLines(stderr)}`).join('\n');
  }

  /** A command of an operator's, at the coordinator's door. */
  run(...args: string[]): Promise<Ended> {
    const env = { ...this.environment, MANYHANDS_TOKEN: this.first.token };
    return startManyhands([...args, '--url', this.url], { home: this.folder, env }).ended;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.first.token}`, ...(init.headers as object) };
    const reply = await fetch(`${this.url}${path}`, { ...init, headers });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply;
  }

  workerFolder(name: string): string {
    return join(this.folder, name);
  }

  /** Ends everything as it should end; returns what it ended with, and what runs all the same. */
  async stop(): Promise<{ codes: (number | null)[]; processes: string[] }> {
    const coordinators = this.coordinators.map(({ name }) => this.processOf(name));
    const workers = [...this.processes.values()].filter((one) => !coordinators.includes(one));
    const codes = await Promise.all(workers.map((one) => one.stop()));
    codes.push(...(await Promise.all(coordinators.map((one) => one.stop()))));
    await this.close();
    return { codes, processes: processesIn(this.folder).map(({ args }) => args) };
  }

  /** Ends everything, however it is, and removes the folder. */
  async dispose(): Promise<void> {
    const ends = [...this.processes.values()].map((one) => one.stop('SIGKILL'));
    await this.close();
    await Promise.all(ends);
    for (const { pid } of processesIn(this.folder)) process.kill(pid, 'SIGKILL');
    while (processesIn(this.folder).length > 0) await wait(10);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private closing: Promise<void> | null = null;
  private close(): Promise<void> {
    this.closing ??= (async () => {
      await this.door.close();
      await this.redis?.process.stop();
      await Promise.all(this.ways.map((way) => way.close()));
      await this.disk?.unmount();
    })();
    return this.closing;
  }

  private keep(name: string, start: () => Running): void {
    const crashed = ({ code, signal, stderr }: Ended) => {
      if (isExplained(stderr)) return;
      this.crashes.push(`${name} ended with ${code ?? signal}: ${lastLines(stderr)}`);
    };
    this.processes.set(name, new Kept(start, crashed));
  }

  private processOf(name: string): Kept {
    const found = this.processes.get(name);
    if (found === undefined) throw new Error(`no ${name} is kept`);
    return found;
  }

  private get environment(): Record<string, string> {
    return { TMPDIR: join(this.folder, 'tmp') };
  }

  private get redisFolder(): string {
    return this.redis === null ? join(this.first.seenData, 'redis') : seenRedis(this);
  }

  private get first(): ChaosCoordinator {
    const [first] = this.coordinators;
    if (first === undefined) throw new Error('a grid has a coordinator');
    return first;
  }
}

const seenRedis = ({ folder, disk }: Pick<Parts, 'folder' | 'disk'>): string =>
  join(disk?.seen ?? join(folder, 'disk'), 'redis');

const startRedis = (folder: string, disk: SmallDisk | null): Promise<OwnRedis> =>
  OwnRedis.start(
    { folder: join(folder, 'disk', 'redis'), seen: seenRedis({ folder, disk }) },
    disk?.enter ?? [],
  );

async function suspended(pids: readonly number[], forMs: number): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It was killed meanwhile.
      }
    }
  };
  signal('SIGSTOP');
  await wait(forMs);
  signal('SIGCONT');
}

/**
 * Ends that a coordinator announces, and that its service manager is there for. While it is away its port
 * may be lent to some connection of this machine's.
 */
const explained =
  /error\[(redis_crash_loop|redis_unreachable|redis_start_failed|data_folder_unusable|address_in_use)\]/;
const isExplained = (stderr: string): boolean => explained.test(stderr);

/** What a coordinator says last tells what it was at. */
const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-8).join('\n');
