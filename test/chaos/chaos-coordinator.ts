/**
 * One coordinator of a grid under chaos: where it listens, what it keeps, the clock it is shown, and its own way to a
 * Redis that it is given, so that of several one can be cut off while the others are not.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Running, root, startManyhands } from '../cli/manyhands.ts';
import type { SmallDisk } from '../support/small-disk.ts';
import type { OwnRedis } from './chaos-redis.ts';
import { freePort, TcpProxy } from './tcp-proxy.ts';

type Parts = {
  name: string;
  /** Of the grid. */
  folder: string;
  disk: SmallDisk | null;
  /** Null when it runs its own. */
  redis: OwnRedis | null;
  isShared: boolean;
};

export class ChaosCoordinator {
  readonly name: string;
  readonly port: number;
  /** Null when it runs its own Redis. */
  readonly way: TcpProxy | null;
  private readonly parts: Parts;

  private constructor(parts: Parts, port: number, way: TcpProxy | null) {
    this.name = parts.name;
    this.port = port;
    this.way = way;
    this.parts = parts;
    this.setClock(0);
  }

  static async prepare(parts: Parts): Promise<ChaosCoordinator> {
    const { redis } = parts;
    const way = redis === null ? null : await TcpProxy.open(() => redis.port);
    return new ChaosCoordinator(parts, await freePort(), way);
  }

  start(environment: Record<string, string>): Running {
    const { folder, disk, redis, isShared } = this.parts;
    const to = redis === null || this.way === null ? [] : ['--redis', redis.urlAt(this.way.port)];
    const shared = isShared ? ['--shared-folder', join(folder, 'disk', 'shared')] : [];
    const data = join(folder, 'disk', this.name);
    const args = ['coordinator', '--port', `${this.port}`, '--data', data, ...to, ...shared];
    const clock = pathToFileURL(join(root, 'test/chaos/shifted-clock.mjs')).href;
    const env = { NODE_OPTIONS: `--import=${clock}`, CHAOS_CLOCK: this.clockFile };
    return startManyhands(args, {
      home: folder,
      env: { ...environment, ...env },
      through: disk?.enter ?? [],
    });
  }

  /** How far off its clock is. */
  setClock(offMs: number): void {
    writeFileSync(this.clockFile, `${offMs}`);
  }

  /** Its data folder, as this process sees it. */
  get seenData(): string {
    const { folder, disk } = this.parts;
    return join(disk?.seen ?? join(folder, 'disk'), this.name);
  }

  get token(): string {
    return readFileSync(join(this.seenData, 'operator.token'), 'utf8').trim();
  }

  private get clockFile(): string {
    return join(this.parts.folder, `${this.name}.clock`);
  }
}
