/**
 * The sandbox of a browser: as many Web Workers as runs at a time, each doing one run after the
 * other. It speaks the same contract as Node's.
 *
 *   waiting ──► running ──► its thread answers: its UnitEnd
 *      ▲           ├──────► over its wall time, or aborted: answered at once, its thread is ended
 *      │           ├──────► its thread broke: once more; the second time `host_error`
 *      └───────────┘ paused: its thread is ended, and it begins anew later, or where it was saved last
 *
 * A page can neither stop a thread where it stands nor give it a low priority. Somebody who pauses
 * wants the machine back now, so a pause ends the threads, and the runs under way begin anew. Those
 * that were saved go on from there.
 *
 * An ended thread may linger. Chromium waits 2 s before it uses force; then V8 was seen to go on for over
 * a minute with a loop of large memory.fill, where it looks for interrupts too seldom (Node's flag
 * against that is not a page's to set). Its place is taken by a new one all the same; what ends the old
 * one is its fuel, or the closing of the page.
 */
import { aSaveWish, type SaveWish, wishSave } from '../checkpoint/save-wish.ts';
import { aborted, overTime, threadFailed } from '../no-end.ts';
import type {
  Sandbox,
  SandboxEnd,
  SandboxKernel,
  SandboxRun,
  SavedRun,
  UnitEnd,
} from '../sandbox.ts';
import { WallClock } from '../wall-clock.ts';
import { CompiledKernels } from './compiled-kernels.ts';
import type { FromThread } from './messages.ts';
import { startWebThread, type WebThread } from './web-thread.ts';

export interface WebSandboxOptions {
  /** Runs at a time. */
  threads: number;
  /** Where `thread-main.js` is served, from the page's own origin. */
  workerUrl: string;
}

export const openWebSandbox = (options: WebSandboxOptions): Sandbox => new WebSandbox(options);

/** A thread that cannot even start will not start next time: then runs fail instead of waiting. */
const startsMax = 3;

interface Waiting {
  kernel: SandboxKernel;
  run: SandboxRun;
  onProgress: (fraction: number) => void;
  answer: (end: SandboxEnd) => void;
  /** Those who wait for a snapshot. */
  saves: ((saved: SavedRun | null) => void)[];
  /** How often its thread broke. */
  breaks: number;
}

interface Running extends Waiting {
  clock: WallClock;
  /** Null where there is no shared memory. */
  wish: SaveWish | null;
}

interface Place {
  thread: WebThread;
  isReady: boolean;
  running: Running | null;
}

class WebSandbox implements Sandbox {
  readonly #options: WebSandboxOptions;
  readonly #kernels = new CompiledKernels();
  readonly #places = new Set<Place>();
  #waiting: Waiting[] = [];
  #isPaused = false;
  #isClosed = false;
  #failedStarts = 0;

  constructor(options: WebSandboxOptions) {
    this.#options = options;
  }

  run(
    kernel: SandboxKernel,
    run: SandboxRun,
    onProgress: (fraction: number) => void = () => {},
  ): Promise<SandboxEnd> {
    return new Promise((answer) => {
      this.#waiting.push({ kernel, run, onProgress, answer, saves: [], breaks: 0 });
      this.#proceed();
    });
  }

  save(id: string): Promise<SavedRun | null> {
    const place = [...this.#places].find(({ running }) => running?.run.id === id);
    const found = place?.running ?? this.#waiting.find(({ run }) => run.id === id);
    if (found === undefined || aSaveWish() === null) return Promise.resolve(null);
    if (place?.running?.wish) wishSave(place.running.wish);
    return new Promise((resolve) => found.saves.push(resolve));
  }

  abort(id: string): void {
    const wasWaiting = this.#waiting.filter(({ run }) => run.id === id);
    this.#waiting = this.#waiting.filter(({ run }) => run.id !== id);
    for (const each of wasWaiting) dismiss(each, aborted);
    for (const place of this.#places) if (place.running?.run.id === id) this.#stop(place, aborted);
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    const stopped = [...this.#places].flatMap((place) => this.#take(place) ?? []);
    this.#waiting.unshift(...stopped);
    for (const place of this.#places) this.#remove(place);
  }

  resume(): void {
    this.#isPaused = false;
    this.#proceed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const place of this.#places) {
      this.#answer(place, aborted);
      this.#remove(place);
    }
    this.#proceed();
  }

  /** Starts whatever can start now: threads while there are too few, runs while one is free. */
  #proceed(): void {
    if (this.#isClosed) {
      for (const each of this.#waiting.splice(0)) dismiss(each, aborted);
      return;
    }
    if (this.#isPaused) return;
    for (const place of this.#places) {
      if (!place.isReady || place.running !== null) continue;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      void this.#begin(place, next);
    }
    const starting = [...this.#places].filter(({ isReady }) => !isReady).length;
    const room = this.#options.threads - this.#places.size;
    for (let n = Math.min(room, this.#waiting.length - starting); n > 0; n--) this.#addPlace();
  }

  async #begin(place: Place, next: Waiting): Promise<void> {
    const { id: _, wallMsMax, from = null, ...unit } = next.run;
    const clock = new WallClock(wallMsMax, () => this.#stop(place, overTime(next.run)));
    const wish = aSaveWish();
    if (wish !== null && next.saves.length > 0) wishSave(wish);
    const running: Running = { ...next, clock, wish };
    place.running = running;
    try {
      const module = await this.#kernels.compile(next.kernel);
      // Stopped while it was compiled: the place is gone.
      if (place.running === running) place.thread.run({ module, unit, from, wish });
    } catch (error) {
      if (place.running === running) this.#finish(place, threadFailed(error));
    }
  }

  #addPlace(): void {
    const thread = startWebThread(this.#options.workerUrl, {
      onMessage: (message) => this.#hear(place, message),
      onBroken: (reason) => this.#threadBroke(place, reason),
    });
    const place: Place = { thread, isReady: false, running: null };
    this.#places.add(place);
  }

  #hear(place: Place, message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        place.isReady = true;
        this.#failedStarts = 0;
        this.#proceed();
        break;
      case 'progress':
        place.running?.onProgress(message.fraction);
        break;
      case 'saved':
        this.#saved(place, message.saved);
        break;
      case 'ended':
        this.#finish(place, message.end);
        break;
      case 'failed':
        this.#finish(place, threadFailed(message.reason));
        break;
      default:
        unreachable(message);
    }
  }

  #saved({ running }: Place, saved: SavedRun | null): void {
    if (running === null) return;
    if (saved !== null) running.run = { ...running.run, from: saved };
    tellSaved(running, saved);
  }

  #finish(place: Place, end: UnitEnd): void {
    this.#answer(place, end);
    this.#proceed();
  }

  /** Ends the run and its thread with it; the next run that waits gets a new one. */
  #stop(place: Place, end: UnitEnd): void {
    this.#answer(place, end);
    this.#remove(place);
    this.#proceed();
  }

  #threadBroke(place: Place, reason: string): void {
    const running = this.#take(place);
    this.#remove(place);
    if (!place.isReady && ++this.#failedStarts >= startsMax) this.#giveUp(reason);
    if (running !== null) {
      if (running.breaks > 0) tell(running, threadFailed(reason));
      else this.#waiting.unshift({ ...running, breaks: 1 });
    }
    this.#proceed();
  }

  #giveUp(reason: string): void {
    this.#failedStarts = 0;
    for (const each of this.#waiting.splice(0)) dismiss(each, threadFailed(reason));
  }

  #answer(place: Place, end: UnitEnd): void {
    const running = this.#take(place);
    if (running !== null) tell(running, end);
  }

  /** Takes the run off its thread, with its clock stopped. */
  #take(place: Place): Running | null {
    const { running } = place;
    running?.clock.pause();
    place.running = null;
    return running;
  }

  #remove(place: Place): void {
    place.thread.end();
    this.#places.delete(place);
  }
}

function dismiss(waiting: Waiting, end: UnitEnd): void {
  tellSaved(waiting, null);
  waiting.answer({ ...end, wallMs: 0 });
}

function tellSaved({ saves }: Waiting, saved: SavedRun | null): void {
  for (const resolve of saves.splice(0)) resolve(saved);
}

function tell(running: Running, end: UnitEnd): void {
  tellSaved(running, null);
  running.answer({ ...end, wallMs: Math.round(running.clock.elapsedMs) });
}

function unreachable(message: never): never {
  throw new Error(`no such message: ${JSON.stringify(message)}`);
}
