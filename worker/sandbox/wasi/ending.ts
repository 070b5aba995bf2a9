/**
 * How a kernel's run ends from within one of its calls: thrown through the kernel's frames, which
 * cannot catch it (the validator refuses exceptions), and caught by the runner.
 */
export type EndingCause =
  | { kind: 'exit'; code: number }
  | { kind: 'outputExceeded' }
  | { kind: 'fuelExhausted' };

export class Ending {
  readonly cause: EndingCause;
  constructor(cause: EndingCause) {
    this.cause = cause;
  }
}
