/**
 * A simulated coordinator: the real engine over a shaky store, the queue in memory, and doors without
 * sockets. It may crash (all that it knew is gone), stall (and find on waking that the world went on
 * without it), or leave in good order. Started again it takes up its work as main.ts does: from the
 * store, and from the queue entries that still are its own.
 */
import { Peers } from '../../coordinator/domain/peers.ts';
import { Window } from '../../coordinator/domain/window.ts';
import { type Engine, startEngine } from '../../coordinator/engine.ts';
import type { Context } from '../../coordinator/flow/context.ts';
import { Sealer } from '../../coordinator/tokens/seal.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { Life } from './life.ts';
import type { Random } from './random.ts';
import { shakyStore } from './shaky-store.ts';
import { SimDoors } from './sim-doors.ts';
import type { SimSessionParts } from './sim-session.ts';
import { SimShardQueue } from './sim-shard-queue.ts';
import { strictLog } from './strict-log.ts';
import { Wire } from './wire.ts';
import { clearing, type World } from './world.ts';

/** An operator's service manager starts a program that ended again. */
const restartMs = 1000;
/** And ends one that does not leave. */
const leaveMsMax = 10_000;
/** One way for a request over HTTP. */
const tripMsMax = 50;
/** Then whoever asked gives up. */
const answerMsMax = 10_000;

type Up = { engine: Engine; queue: SimShardQueue; doors: SimDoors };

export class SimCoordinator {
  readonly name: string;
  private readonly world: World;
  private readonly random: Random;
  private life: Life | null = null;
  private up: Up | null = null;
  private isLeaving = false;

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
    this.random = world.random.fork(name);
  }

  /** Serving, as far as anybody outside can tell. */
  get context(): Context | null {
    return this.life?.isAwake === true ? (this.up?.engine.context ?? null) : null;
  }

  start(): void {
    if (this.isLeaving) this.world.clock.after(restartMs, () => this.start());
    if (this.life !== null) return;
    const life = new Life(this.world.clock);
    this.life = life;
    this.world.trace(this.name, 'starts');
    this.open(life).catch((error) => {
      this.world.trace(this.name, `cannot start: ${error}`);
      this.end(life);
      this.world.clock.after(restartMs, () => this.start());
    });
  }

  /** kill -9: the machine closes its sockets, or it is gone as well and nobody is told. */
  crash(): void {
    if (this.life === null) return;
    this.world.trace(this.name, 'crashes');
    this.end(this.life);
  }

  stall(ms: number): void {
    this.world.trace(this.name, `stalls for ${ms} ms`);
    this.life?.stall(ms);
  }

  /** SIGTERM: what is under way is stored and answered, and the shards are handed back. */
  leave(): void {
    const { life, up } = this;
    if (life === null || up === null) return;
    this.world.trace(this.name, 'leaves');
    this.isLeaving = true;
    const gone = () => this.end(life);
    life.reach(() => {
      up.doors.close();
      void up.engine
        .close()
        .then(() => up.queue.close())
        .then(gone);
    });
    this.world.clock.after(leaveMsMax, gone);
  }

  /** Whatever was wrong with it is over. */
  recover(): void {
    this.life?.wake();
    this.start();
  }

  /** A host connects. Null when nobody answers. */
  accept(hostLife: Life, hostName: string): Wire | null {
    const { life, up, world, random } = this;
    if (life === null || up === null || this.isLeaving) return null;
    const sent = (message: object) =>
      world.trace(`${hostName} – ${this.name}`, () => toldOf(message));
    const wire = new Wire({ clock: world.clock, random, sent }, hostLife, life);
    // Behind whatever a stalled process has not come to yet.
    life.reach(() => up.doors.accept(wire));
    return wire;
  }

  /** One request over HTTP: its answer, or an error when it failed or no answer came. */
  ask<T>(answer: (context: Context, doors: SimDoors) => Promise<T>): Promise<T> {
    const { life, up, world } = this;
    return new Promise((resolve, reject) => {
      const unanswered = () => reject(new Unanswered(this.name));
      if (life === null || up === null) return void world.clock.after(tripMsMax, unanswered);
      world.clock.after(this.random.between(1, tripMsMax), () =>
        life.reach(() => {
          const reply = (settle: () => void) =>
            world.clock.after(this.random.between(1, tripMsMax), () => {
              if (!life.isOver) settle();
            });
          answer(up.engine.context, up.doors).then(
            (value) => reply(() => resolve(value)),
            (error) => reply(() => reject(error)),
          );
        }),
      );
      // Settling twice is harmless: the first counts.
      world.clock.after(answerMsMax, unanswered);
    });
  }

  /** Its doors, as long as it can be reached. */
  get doors(): SimDoors | null {
    return this.life?.isAwake === true ? (this.up?.doors ?? null) : null;
  }

  /** The account of a host that waits here while units are free. */
  starving(memoryBytes: number): AccountId | null {
    return this.life?.isAwake === true ? (this.up?.doors.starving(memoryBytes) ?? null) : null;
  }

  private async open(life: Life): Promise<void> {
    const { clock, weather, broker, artifacts, store: witness, violations } = this.world;
    const random = this.random;
    const store = shakyStore(witness, { clock, life, weather, random });
    const grid = await store.grid.open(this.world.grid);
    const secret = { keyId: 'key', secret: random.bytes(32) };
    const sealer = new Sealer(await store.grid.leaseKeys(secret));
    const window = new Window();
    const queue = new SimShardQueue({
      owner: this.name,
      partitions: grid.partitions,
      broker,
      clock,
      life,
      weather,
      random,
      lost: (id) => {
        this.world.trace(this.name, `lost ${id}`);
        window.yield(id, clock.now);
      },
    });
    const engine = await startEngine({
      grid,
      store,
      artifacts,
      sealer,
      auditSecret: new Uint8Array(32),
      queue,
      window,
      coordinatorId: this.name,
      peers: this.world.isShared ? new Peers() : Peers.alone(),
      lost: (error) => violations.report('log', `${this.name}: ${error.message}`),
      clock: life.clock,
      randomBytes: (count) => random.bytes(count),
      clearing,
      log: strictLog(violations, (text) => this.world.trace(this.name, text)),
    });
    const doors = new SimDoors(engine, this.watch());
    engine.attach(doors);
    this.up = { engine, queue, doors };
    this.world.trace(this.name, 'is ready');
  }

  /** A unit that this run of the coordinator knows to be decided is not granted by it again. */
  private watch(): SimSessionParts['watch'] {
    const { violations } = this.world;
    const known = new Set<string>();
    return {
      decided: (jobId, unit) => void known.add(`${jobId}/${unit}`),
      granted: (jobId, unit) =>
        violations.unless(
          !known.has(`${jobId}/${unit}`),
          'granted',
          () => `${this.name} granted unit ${unit} of ${jobId}, and knew that it was decided`,
        ),
    };
  }

  private end(life: Life): void {
    life.end();
    if (this.life !== life) return;
    for (const wire of this.up?.doors.wires ?? []) wire.cut();
    this.life = null;
    this.up = null;
    this.isLeaving = false;
  }
}

/** A message in a line: tokens and outputs say nothing to a reader. */
function toldOf(message: object): string {
  const unsaid = new Set([
    'token',
    'output',
    'digest',
    'params',
    'detail',
    'uploadToken',
    'wallMs',
  ]);
  return JSON.stringify(message, (name, value) => (unsaid.has(name) ? undefined : value));
}

/** No answer came: whatever was asked for may have happened, or not, or may yet. */
export class Unanswered extends Error {}
