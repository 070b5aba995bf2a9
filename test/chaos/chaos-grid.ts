/**
 * A grid of real processes that a service manager keeps running, for a driver to break: a coordinator,
 * which either runs its own Redis or is given one behind a proxy, with its data on a small disk if there
 * may be one; a proxy in front of its port; and real workers. Whatever ends is started again, in the same
 * folders. Each SIGKILL is counted.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { AgentEvent } from '../../worker/agent.ts';
import { type Ended, type Running, root, startManyhands } from '../cli/manyhands.ts';
import { processesIn } from '../cli/processes.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { killRedisIn, OwnRedis, redisIn, tearJournal } from './chaos-redis.ts';
import { Kept } from './kept.ts';
import { freePort, TcpProxy } from './tcp-proxy.ts';

/** Room for the journals of half an hour and for their rewriting; filled in a tenth of a second. */
const diskMebibytes = 256;

export type Topology = 'own Redis' | 'Redis behind a proxy';

type Parts = {
  topology: Topology;
  folder: string;
  disk: SmallDisk | null;
  port: number;
  door: TcpProxy;
  redis: { server: OwnRedis; way: TcpProxy } | null;
};

export class ChaosGrid {
  readonly topology: Topology;
  readonly folder: string;
  /** Null where none can be mounted. */
  readonly disk: SmallDisk | null;
  /** In front of the coordinator: everybody comes in through it. */
  readonly door: TcpProxy;
  /** The Redis that the coordinator is given, and the way to it; null when it runs its own. */
  readonly redis: { server: OwnRedis; way: TcpProxy } | null;
  kills = 0;
  /** Ends of processes that nobody brought about, and that no fault explains. */
  readonly crashes: string[] = [];
  private readonly port: number;
  private readonly processes = new Map<string, Kept>();

  private constructor(parts: Parts) {
    this.topology = parts.topology;
    this.folder = parts.folder;
    this.disk = parts.disk;
    this.door = parts.door;
    this.redis = parts.redis;
    this.port = parts.port;
  }

  static async start(topology: Topology): Promise<ChaosGrid> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mh-chaos-')));
    for (const name of ['tmp', 'disk']) mkdirSync(join(folder, name));
    const disk = await SmallDisk.mount(join(folder, 'disk'), diskMebibytes);
    const port = await freePort();
    const door = await TcpProxy.open(() => port);
    const redis = topology === 'own Redis' ? null : await redisBehindProxy(folder, disk);
    const grid = new ChaosGrid({ topology, folder, disk, port, door, redis });
    grid.setClock(0);
    grid.keep('coordinator', () => grid.startCoordinator());
    return grid;
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
    await this.redis.server.process.strike('SIGKILL', awayMs);
    this.kills++;
  }

  /** Coordinator and Redis at once, and what Redis was just writing is cut off. */
  async killBothAndTear(bytes: number, awayMs: number): Promise<void> {
    // Held back until the journal is torn: nobody writes to it meanwhile.
    const untilTorn = 60_000;
    const coordinator = this.processOf('coordinator');
    await this.strike('coordinator', 'SIGKILL', untilTorn);
    await this.killRedis(untilTorn);
    tearJournal(this.redisFolder, bytes);
    coordinator.returnIn(awayMs);
    this.redis?.server.process.returnIn(awayMs);
  }

  /** How far off the coordinator's clock is. */
  setClock(offMs: number): void {
    writeFileSync(this.clockFile, `${offMs}`);
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
    const env = { ...this.environment, MANYHANDS_TOKEN: this.token };
    return startManyhands([...args, '--url', this.url], { home: this.folder, env }).ended;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...(init.headers as object) };
    const reply = await fetch(`${this.url}${path}`, { ...init, headers });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return reply;
  }

  workerFolder(name: string): string {
    return join(this.folder, name);
  }

  /** Ends everything as it should end; returns what it ended with, and what runs all the same. */
  async stop(): Promise<{ codes: (number | null)[]; processes: string[] }> {
    const coordinator = this.processes.get('coordinator');
    const workers = [...this.processes.values()].filter((one) => one !== coordinator);
    const codes = await Promise.all(workers.map((one) => one.stop()));
    if (coordinator !== undefined) codes.push(await coordinator.stop());
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
      await this.redis?.server.process.stop();
      await this.redis?.way.close();
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

  private startCoordinator(): Running {
    const to = this.redis === null ? [] : ['--redis', this.redis.server.urlAt(this.redis.way.port)];
    const args = ['coordinator', '--port', `${this.port}`, '--data', this.data, ...to];
    const clock = pathToFileURL(join(root, 'test/chaos/shifted-clock.mjs')).href;
    const env = { NODE_OPTIONS: `--import=${clock}`, CHAOS_CLOCK: this.clockFile };
    return startManyhands(args, {
      home: this.folder,
      env: { ...this.environment, ...env },
      through: this.disk?.enter ?? [],
    });
  }

  private get environment(): Record<string, string> {
    return { TMPDIR: join(this.folder, 'tmp') };
  }

  private get data(): string {
    return join(this.folder, 'disk', 'data');
  }

  private get seenDisk(): string {
    return this.disk?.seen ?? join(this.folder, 'disk');
  }

  private get redisFolder(): string {
    return join(this.seenDisk, this.redis === null ? 'data/redis' : 'redis');
  }

  private get clockFile(): string {
    return join(this.folder, 'clock');
  }

  private get token(): string {
    return readFileSync(join(this.seenDisk, 'data', 'operator.token'), 'utf8').trim();
  }
}

async function redisBehindProxy(folder: string, disk: SmallDisk | null) {
  const seen = join(disk?.seen ?? join(folder, 'disk'), 'redis');
  const paths = { folder: join(folder, 'disk', 'redis'), seen };
  const server = await OwnRedis.start(paths, disk?.enter ?? []);
  return { server, way: await TcpProxy.open(() => server.port) };
}

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
