/**
 * A simulated host as a machine: it is switched on and off, loses its network, its memory or its disk,
 * and looks for a coordinator whenever it has none. What it does with a session is host-work.ts.
 */
import { HostDisk } from './host-disk.ts';
import { goodManners, type HostProfile } from './host-profile.ts';
import { HostWork } from './host-work.ts';
import { Life } from './life.ts';
import type { Random } from './random.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

const backoffMsMax = 3000;
/** A hello without an answer: the coordinator stalls, or the wire is cut. */
const welcomeMsMax = 10_000;

export class SimHost {
  readonly profile: HostProfile;
  private readonly name: string;
  private readonly world: World;
  private readonly coordinators: readonly SimCoordinator[];
  private readonly random: Random;
  private readonly manners: HostProfile['manners'];
  private disk = new HostDisk();
  private life: Life | null = null;
  private wire: Wire | null = null;

  constructor(profile: HostProfile, coordinators: readonly SimCoordinator[], world: World) {
    this.profile = profile;
    this.name = `host ${profile.hostId.slice(-2)}`;
    this.world = world;
    this.coordinators = coordinators;
    this.random = world.random.fork(profile.hostId);
    this.manners = { ...profile.manners };
  }

  /** Results that no coordinator has acknowledged. */
  get unacknowledged(): number {
    return this.disk.outbox.size;
  }

  start(): void {
    if (this.life !== null) return;
    const { world, profile, manners, disk, random } = this;
    const life = new Life(world.clock);
    this.life = life;
    const work = new HostWork({ world, profile, manners, disk, life, random });
    this.connect(life, work);
  }

  /** Power off. With its disk, it comes back with leases and results; without, as a stranger. */
  crash(keepsDisk: boolean): void {
    this.world.trace(this.name, keepsDisk ? 'crashes' : 'crashes and forgets');
    this.wire?.cut();
    this.wire = null;
    this.life?.end();
    this.life = null;
    if (!keepsDisk) this.disk = new HostDisk();
  }

  sleep(ms: number): void {
    this.world.trace(this.name, `sleeps for ${ms} ms`);
    this.life?.stall(ms);
  }

  loseNetwork(): void {
    this.wire?.cut();
  }

  /** Hangs up in good order, and tries another coordinator. */
  hangUp(): void {
    this.wire?.host.send({ type: 'bye' });
  }

  /** Whatever was wrong with it is over. */
  recover(): void {
    Object.assign(this.manners, goodManners);
    this.life?.wake();
    this.start();
  }

  private connect(life: Life, work: HostWork): void {
    const again = () => {
      life.clock.after(this.random.between(1, backoffMsMax), () => this.connect(life, work));
    };
    const wire = this.random.pick(this.coordinators).accept(life, this.name);
    this.wire = wire;
    if (wire === null) {
      again();
      return;
    }
    const over = () => {
      cancelTimer();
      work.closed();
      this.wire = null;
      again();
    };
    const cancelTimer = life.clock.after(welcomeMsMax, () => {
      wire.host.close();
      over();
    });
    wire.host.listen({
      closed: over,
      message: (message) => {
        if (message.type !== 'welcome') return work.received(message);
        cancelTimer();
        work.opened((said) => wire.host.send(said), message.heldLeases);
      },
    });
    const { hostId, accountId, memoryBytes, cores } = this.profile;
    const leases = this.disk.presented();
    wire.host.send({ type: 'hello', hostId, accountId, memoryBytes, cores, leases });
  }
}
