/**
 * The agent's side of the sandbox: hands runs to the sandbox process, as many as it has threads,
 * and sees to it that each one ends, whatever happens over there.
 *
 *   waiting ──► running ──► the process answers: its UnitEnd
 *      ▲           ├──────► over its wall time, or aborted: answered at once, its thread is ended
 *      │           │           └─ still there a second later: the whole process is killed
 *      └───────────┘ the process died: once more, alone; the second time `host_error`
 *
 * A run that sees the process die may be what killed it. It runs again with no other beside it, so
 * that a second death is its own doing and takes nobody along. Runs that were merely there when *we*
 * killed the process go back to waiting as if they had never begun. A run that was saved goes on from
 * there whenever it runs again.
 */
import { aborted, overTime, processDied } from '../no-end.ts';
import type {
  Sandbox,
  SandboxEnd,
  SandboxKernel,
  SandboxRun,
  SavedRun,
  UnitEnd,
} from '../sandbox.ts';
import { WallClock } from '../wall-clock.ts';
import { LoadedKernels } from './loaded-kernels.ts';
import type { FromProcess, RunNumber } from './messages.ts';
import { type SandboxProcess, startProcess } from './start-process.ts';

export interface SandboxOptions {
  /** Runs at a time. */
  threads: number;
  /** Resident bytes of the whole sandbox process; past it, it is killed. None by default. */
  memoryLimit?: number;
}

export const openSandbox = (options: SandboxOptions): Sandbox => new NodeSandbox(options);

/** Ending a thread takes 30 ms at most when it works at all. */
const stopGraceMs = 1000;
/** A process that cannot even start will not start next time: then runs fail instead of waiting. */
const startsMax = 3;

interface Waiting {
  kernel: SandboxKernel;
  run: SandboxRun;
  onProgress: (fraction: number) => void;
  answer: (end: SandboxEnd) => void;
  /** Those who wait for a snapshot. */
  saves: ((saved: SavedRun | null) => void)[];
  /** How often the process died under this run. */
  deaths: number;
}

interface Running extends Waiting {
  clock: WallClock;
  /** Answered already; it only holds its thread until that has ended. */
  isStopping: boolean;
}

class NodeSandbox implements Sandbox {
  readonly #options: SandboxOptions;
  #process: SandboxProcess | null = null;
  #isReady = false;
  #isPaused = false;
  #isClosed = false;
  #weKilledIt = false;
  #failedStarts = 0;
  #whenGone = Promise.resolve();
  #loaded = new LoadedKernels();
  #waiting: Waiting[] = [];
  readonly #running = new Map<RunNumber, Running>();
  #nextNumber: RunNumber = 1;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  run(
    kernel: SandboxKernel,
    run: SandboxRun,
    onProgress: (fraction: number) => void = () => {},
  ): Promise<SandboxEnd> {
    return new Promise((answer) => {
      this.#waiting.push({ kernel, run, onProgress, answer, saves: [], deaths: 0 });
      this.#proceed();
    });
  }

  save(id: string): Promise<SavedRun | null> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.find(({ run }) => run.id === id);
      waiting?.saves.push(resolve);
      for (const [number, { run, saves, isStopping }] of this.#running) {
        if (run.id !== id || isStopping) continue;
        saves.push(resolve);
        this.#process?.send({ kind: 'save', run: number });
        return;
      }
      if (waiting === undefined) resolve(null);
    });
  }

  abort(id: string): void {
    const wasWaiting = this.#waiting.filter(({ run }) => run.id === id);
    this.#waiting = this.#waiting.filter(({ run }) => run.id !== id);
    for (const each of wasWaiting) dismiss(each, aborted);
    for (const [number, { run }] of this.#running) if (run.id === id) this.#stop(number, aborted);
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#process?.pause();
    for (const { clock } of this.#running.values()) clock.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const { clock } of this.#running.values()) clock.resume();
    this.#process?.resume();
    this.#proceed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const each of this.#waiting.splice(0)) dismiss(each, aborted);
    for (const number of this.#running.keys()) this.#answer(number, aborted);
    this.#running.clear();
    this.#kill();
    await this.#whenGone;
  }

  /** Starts whatever can start now: a process when there is none, the next runs when there is one. */
  #proceed(): void {
    if (this.#isClosed) {
      for (const each of this.#waiting.splice(0)) dismiss(each, aborted);
      return;
    }
    if (this.#isPaused || this.#waiting.length === 0) return;
    if (this.#process === null) this.#startProcess();
    for (let next = this.#waiting[0]; next && this.#hasRoomFor(next); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#begin(next);
    }
  }

  #hasRoomFor(next: Waiting): boolean {
    if (!this.#isReady || this.#running.size >= this.#options.threads) return false;
    if (this.#running.size === 0) return true;
    const isSuspect = ({ deaths }: Waiting) => deaths > 0;
    return !isSuspect(next) && ![...this.#running.values()].some(isSuspect);
  }

  #begin(next: Waiting): void {
    const number = this.#nextNumber++;
    const clock = new WallClock(next.run.wallMsMax, () => this.#stop(number, overTime(next.run)));
    this.#running.set(number, { ...next, clock, isStopping: false });
    const { id: _, wallMsMax: __, from = null, ...unit } = next.run;
    for (const message of this.#loaded.use(next.kernel)) this.#process?.send(message);
    this.#process?.send({ kind: 'run', run: number, digest: next.kernel.digest, unit, from });
    if (next.saves.length > 0) this.#process?.send({ kind: 'save', run: number });
  }

  #stop(number: RunNumber, end: UnitEnd): void {
    const running = this.#running.get(number);
    if (running === undefined || running.isStopping) return;
    this.#answer(number, end);
    running.isStopping = true;
    running.clock = new WallClock(stopGraceMs, () => this.#kill());
    if (this.#isPaused) running.clock.pause();
    this.#process?.send({ kind: 'stop', run: number });
  }

  #answer(number: RunNumber, end: UnitEnd): void {
    const running = this.#running.get(number);
    if (running === undefined) return;
    running.clock.pause();
    tellSaved(running, null);
    if (!running.isStopping)
      running.answer({ ...end, wallMs: Math.round(running.clock.elapsedMs) });
  }

  #free(number: RunNumber): void {
    this.#running.get(number)?.clock.pause();
    this.#running.delete(number);
    this.#proceed();
  }

  #startProcess(): void {
    const { threads, memoryLimit } = this.#options;
    let tellGone = () => {};
    this.#whenGone = new Promise((resolve) => {
      tellGone = resolve;
    });
    this.#isReady = false;
    this.#weKilledIt = false;
    this.#loaded = new LoadedKernels();
    let isOutOfMemory = false;
    this.#process = startProcess(
      { threads, memoryBytesMax: memoryLimit ?? null },
      {
        onMessage: (message) => {
          if (message.kind === 'outOfMemory') isOutOfMemory = true;
          else this.#hear(message);
        },
        onGone: (reason) => {
          tellGone();
          this.#processGone(isOutOfMemory ? `over its limit of ${memoryLimit} bytes` : reason);
        },
      },
    );
  }

  #hear(message: Exclude<FromProcess, { kind: 'outOfMemory' }>): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true;
        this.#failedStarts = 0;
        this.#proceed();
        break;
      case 'progress':
        this.#running.get(message.run)?.onProgress(message.fraction);
        break;
      case 'saved':
        this.#saved(message.run, message.saved);
        break;
      case 'ended':
        this.#answer(message.run, message.end);
        // A run that is being stopped is free when its thread is gone, not before.
        if (this.#running.get(message.run)?.isStopping === false) this.#free(message.run);
        break;
      case 'stopped':
        this.#free(message.run);
        break;
      default:
        unreachable(message);
    }
  }

  #saved(number: RunNumber, saved: SavedRun | null): void {
    const running = this.#running.get(number);
    if (running === undefined) return;
    if (saved !== null) running.run = { ...running.run, from: saved };
    tellSaved(running, saved);
  }

  #kill(): void {
    this.#weKilledIt = true;
    this.#process?.kill();
  }

  #processGone(reason: string): void {
    this.#process = null;
    if (!this.#isReady && ++this.#failedStarts >= startsMax) this.#giveUp(reason);
    this.#isReady = false;
    const blame = this.#weKilledIt ? 0 : 1;
    const again: Waiting[] = [];
    for (const [number, running] of this.#running) {
      const deaths = running.deaths + blame;
      if (deaths > 1) this.#answer(number, processDied(reason));
      else if (!running.isStopping) again.push({ ...running, deaths });
      running.clock.pause();
    }
    this.#running.clear();
    this.#waiting.unshift(...again);
    this.#proceed();
  }

  #giveUp(reason: string): void {
    this.#failedStarts = 0;
    for (const each of this.#waiting.splice(0)) dismiss(each, processDied(reason));
  }
}

function dismiss(waiting: Waiting, end: UnitEnd): void {
  tellSaved(waiting, null);
  waiting.answer({ ...end, wallMs: 0 });
}

function tellSaved({ saves }: Waiting, saved: SavedRun | null): void {
  for (const resolve of saves.splice(0)) resolve(saved);
}

function unreachable(message: never): never {
  throw new Error(`no such message: ${JSON.stringify(message)}`);
}
