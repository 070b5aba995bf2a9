/** A stopwatch with a limit that stands still during pauses: for time that a run was given. */
export class WallClock {
  readonly #limitMs: number;
  readonly #onLimit: () => void;
  #spentMs = 0;
  #startedMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts at once. */
  constructor(limitMs: number, onLimit: () => void) {
    this.#limitMs = limitMs;
    this.#onLimit = onLimit;
    this.resume();
  }

  get elapsedMs(): number {
    return this.#spentMs + (this.#startedMs === null ? 0 : performance.now() - this.#startedMs);
  }

  pause(): void {
    this.#spentMs = this.elapsedMs;
    this.#startedMs = null;
    clearTimeout(this.#timer);
  }

  resume(): void {
    if (this.#startedMs !== null) return;
    this.#startedMs = performance.now();
    this.#timer = setTimeout(this.#onLimit, Math.max(0, this.#limitMs - this.#spentMs));
  }
}
