/**
 * Everything this worker owes one grid: leases, results not yet recorded, large outputs, snapshots
 * of what runs, and what it knows of the jobs. The lease book and the outbox say what is; this file
 * makes it survive: what it promises as durable is in the journal, and the journal is where a
 * restarted worker begins.
 *
 * A result counts only when it is on the disk. From then on the unit never runs again here, so two
 * different results for one lease cannot come into being (rule V1, and the host's half of W3).
 */
import type { HostResult, JobBrief, Lease } from '../protocol/messages.ts';
import type { Verdict } from '../protocol/outcome.ts';
import { hexOf } from './digest.ts';
import { type Journal, type JournalEntry, openJournal, type StoredResult } from './journal.ts';
import { fromRuns, LeaseBook } from './lease-book.ts';
import { Outbox } from './outbox.ts';
import type { Platform, Storage } from './platform/platform.ts';
import type { SavedRun } from './sandbox/sandbox.ts';
import { Snapshots } from './snapshots.ts';

export interface UnitVerdict {
  jobId: string;
  unit: number;
  verdict: Verdict;
}

export class Holdings {
  readonly gridId: string;
  readonly leases = new LeaseBook();
  readonly outbox = new Outbox();
  readonly briefs = new Map<string, JobBrief>();
  private readonly snapshots: Snapshots;
  /** Set while the disk takes nothing: results are then held in memory and reported all the same. */
  diskError: string | null = null;
  private readonly storage: Storage;
  private readonly folder: string;
  private readonly unwritten = new Map<string, Uint8Array>();
  private journal: Journal | null = null;

  private constructor(storage: Storage, gridId: string, folder: string, snapshots: Snapshots) {
    this.storage = storage;
    this.gridId = gridId;
    this.folder = folder;
    this.snapshots = snapshots;
  }

  static async open(platform: Platform, storage: Storage, gridId: string): Promise<Holdings> {
    // The grid chose its id: as a digest it is harmless as a folder's name.
    const name = hexOf(await platform.sha256(new TextEncoder().encode(gridId))).slice(0, 16);
    const folder = `grids/${name}`;
    const snapshots = await Snapshots.open(storage, `${folder}/snapshots`);
    const holdings = new Holdings(storage, gridId, folder, snapshots);
    const { entries, journal } = await openJournal(
      storage,
      platform.sha256,
      // The number is the format's: a worker that changes it begins anew beside the old one.
      `${folder}/journal-1`,
      () => holdings.snapshot(),
    );
    holdings.journal = journal;
    for (const entry of entries) holdings.replay(entry);
    await holdings.reconcile();
    return holdings;
  }

  addLease(lease: Lease, brief: JobBrief): void {
    this.briefs.set(lease.jobId, brief);
    const isFirst = !this.leases.jobIds().has(lease.jobId);
    this.leases.add(lease);
    if (isFirst) this.note({ type: 'job', brief });
    this.note({ type: 'lease', lease });
  }

  /**
   * Takes a result in and resolves when it is on the disk, with the result as it will be reported;
   * null when its unit was cancelled or has a result already.
   */
  async finish(
    leaseId: string,
    result: HostResult,
    largeOutput: Uint8Array | null,
  ): Promise<StoredResult | null> {
    const stored = { leaseId, result, uploadBytes: largeOutput?.length ?? 0 };
    if (!this.leases.finish(leaseId, result.unit) || !this.outbox.add(stored)) return null;
    if (largeOutput !== null) {
      const name = this.outputName(stored);
      this.unwritten.set(name, largeOutput);
      if (await this.reachesDisk(this.storage.write(name, largeOutput))) {
        this.unwritten.delete(name);
      }
    }
    await this.reachesDisk(this.append({ type: 'result', result: stored }));
    this.forgetSnapshots(leaseId, [result.unit]);
    return stored;
  }

  /** Keeps it while the unit runs. False when it does not, or for want of room; rejects for a full disk. */
  async keepSnapshot(leaseId: string, unit: number, saved: SavedRun): Promise<boolean> {
    const brief = this.briefOf(leaseId);
    const isRunning = () => this.leases.runningOf(leaseId).includes(unit);
    return brief !== undefined && (await this.snapshots.keep(brief, unit, saved, isRunning));
  }

  get savedUnits(): number {
    return this.snapshots.size;
  }

  hasSnapshot(leaseId: string, unit: number): boolean {
    const brief = this.briefOf(leaseId);
    return brief !== undefined && this.snapshots.has(brief, unit);
  }

  /** Where a unit may go on; null when it has to begin. */
  async snapshotOf(leaseId: string, unit: number): Promise<SavedRun | null> {
    const brief = this.briefOf(leaseId);
    return brief === undefined ? null : await this.snapshots.read(brief, unit);
  }

  /** To be called while the lease is known. What cannot be removed now is found at the next start. */
  forgetSnapshots(leaseId: string, units: number[]): void {
    const brief = this.briefOf(leaseId);
    if (!brief?.migratable) return;
    for (const unit of units) void this.snapshots.remove(brief, unit).catch(() => undefined);
  }

  /** The large output of a stored result; null when it was lost with the disk it lay on. */
  async outputOf(stored: StoredResult): Promise<Uint8Array | null> {
    const name = this.outputName(stored);
    return this.unwritten.get(name) ?? (await this.storage.read(name));
  }

  /** The coordinator's verdicts on a report, in its order; empty when it was not under way. */
  recorded(reportId: number, verdicts: Verdict[]): UnitVerdict[] {
    const report = this.outbox.answered(reportId);
    if (report === null) return [];
    const jobId = this.leases.jobOf(report.leaseId) ?? '';
    const units = report.results.map(({ result }) => result.unit);
    this.settle(report.leaseId, units);
    return units.flatMap((unit, i) => {
      const verdict = verdicts[i];
      return verdict === undefined ? [] : [{ jobId, unit, verdict }];
    });
  }

  /** These units are no longer ours: recorded, released or cancelled. */
  settle(leaseId: string, units: number[]): void {
    if (units.length === 0) return;
    this.forgetSnapshots(leaseId, units);
    this.leases.settle(leaseId, units);
    const settled = this.outbox.settle(leaseId, units);
    this.note({ type: 'settled', leaseId, units });
    const uploads = settled.filter(({ uploadBytes }) => uploadBytes > 0);
    // What cannot be removed now is found, and nobody's, at the next start.
    if (uploads.length > 0) void this.removeOutputs(uploads).catch(() => undefined);
  }

  /** Forgets jobs without leases: a new session is told of jobs anew. */
  forgetIdleJobs(): void {
    const live = this.leases.jobIds();
    for (const jobId of this.briefs.keys()) if (!live.has(jobId)) this.briefs.delete(jobId);
  }

  /** Tries the disk again, so that a full one that has room again is noticed. */
  async retryDisk(): Promise<void> {
    await this.reachesDisk(this.append({ type: 'settled', leaseId: '', units: [] }));
  }

  async close(): Promise<void> {
    await this.snapshots.close();
    await this.journal?.close();
  }

  private replay(entry: JournalEntry): void {
    if (entry.type === 'job') this.briefs.set(entry.brief.jobId, entry.brief);
    else if (entry.type === 'lease') this.leases.add(entry.lease);
    else if (entry.type === 'result') this.outbox.add(entry.result);
    else {
      this.leases.settle(entry.leaseId, entry.units);
      this.outbox.settle(entry.leaseId, entry.units);
    }
  }

  /** After a replay: results and leases fit each other, and no output lies around for nobody. */
  private async reconcile(): Promise<void> {
    for (const stored of this.outbox.all()) {
      const { leaseId, result } = stored;
      if (!this.leases.finish(leaseId, result.unit)) this.outbox.settle(leaseId, [result.unit]);
    }
    for (const lease of this.leases.remaining()) {
      if (!this.briefs.has(lease.jobId)) this.settle(lease.leaseId, fromRuns(lease.units));
    }
    await this.snapshots.keepOnly(this.unfinished());
    const needed = new Set(this.outbox.all().map((stored) => this.outputName(stored)));
    for (const { name } of await this.storage.list(`${this.folder}/outputs`)) {
      if (!needed.has(name)) await this.storage.remove(name);
    }
  }

  private briefOf(leaseId: string): JobBrief | undefined {
    return this.briefs.get(this.leases.jobOf(leaseId) ?? '');
  }

  private unfinished(): { brief: JobBrief; unit: number }[] {
    return this.leases.leaseIds().flatMap((leaseId) => {
      const brief = this.briefOf(leaseId);
      const units = this.leases.unstartedOf(leaseId);
      return brief === undefined ? [] : units.map((unit) => ({ brief, unit }));
    });
  }

  private snapshot(): JournalEntry[] {
    const leases = this.leases.remaining();
    const jobIds = this.leases.jobIds();
    return [
      ...[...this.briefs.values()]
        .filter(({ jobId }) => jobIds.has(jobId))
        .map((brief): JournalEntry => ({ type: 'job', brief })),
      ...leases.map((lease): JournalEntry => ({ type: 'lease', lease })),
      ...this.outbox.all().map((result): JournalEntry => ({ type: 'result', result })),
    ];
  }

  private async removeOutputs(uploads: StoredResult[]): Promise<void> {
    const needed = new Set(this.outbox.all().map((stored) => this.outputName(stored)));
    for (const stored of uploads) {
      const name = this.outputName(stored);
      this.unwritten.delete(name);
      // Two units may well have the same output: one file serves both.
      if (!needed.has(name)) await this.storage.remove(name);
    }
  }

  private outputName({ result }: StoredResult): string {
    return `${this.folder}/outputs/${hexOf(result.digest)}`;
  }

  private append(entry: JournalEntry): Promise<void> {
    return this.journal?.append(entry) ?? Promise.resolve();
  }

  /** Writes what may be lost: without it a restarted worker only repeats what was settled. */
  private note(entry: JournalEntry): void {
    void this.reachesDisk(this.append(entry));
  }

  private async reachesDisk(write: Promise<void>): Promise<boolean> {
    try {
      await write;
      this.diskError = null;
      return true;
    } catch (error) {
      this.diskError = error instanceof Error ? error.message : String(error);
      return false;
    }
  }
}
