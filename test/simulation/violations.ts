/** Promises found broken. The first one ends the run: what comes after it is seldom worth reading. */
export class Violations {
  first: string | null = null;

  /** `rule` is the promise's number in docs/RULES.md, or a word for what has none. */
  report(rule: string, text: string): void {
    this.first ??= `[${rule}] ${text}`;
  }

  unless(holds: boolean, rule: string, text: () => string): void {
    if (!holds) this.report(rule, text());
  }
}
