/**
 * Random programs that end: every way control can flow in WebAssembly, few interesting values. A
 * program is read off a tape of bytes; where the tape ends, everything is the simplest there is, so
 * that fast-check shrinks a failing program by shrinking its tape.
 *
 * They end because loops count down, calls spend a budget, and nothing else goes back.
 */
import fc from 'fast-check';

export const programs: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 1, maxLength: 400, size: 'max' })
  .map((tape) => new Program(tape).text());

interface Label {
  name: string;
  /** The local that counts a loop down; none for blocks. */
  counter?: string;
}

const SIGNATURES = [
  { params: '', results: '', arguments: '', defaults: '' },
  {
    params: '(param i32)',
    results: '(result i32)',
    arguments: 'i32.const 5',
    defaults: 'i32.const 7',
  },
  {
    params: '(param i64)',
    results: '(result i64 i32)',
    arguments: 'i64.const 9',
    defaults: 'i64.const 1 i32.const 2',
  },
] as const;

const COUNTERS = 6;
const DEPTH_MAX = 5;

class Program {
  readonly #tape: Uint8Array;
  #at = 0;
  #labels: Label[] = [];
  #names = 0;
  #counters = 0;
  #signature: (typeof SIGNATURES)[number] = SIGNATURES[0];
  #functions: number[] = [];

  constructor(tape: Uint8Array) {
    this.#tape = tape;
  }

  text(): string {
    this.#functions = Array.from({ length: 1 + this.#pick(4) }, () =>
      this.#pick(SIGNATURES.length),
    );
    const bodies = this.#functions.map((signature, index) => this.#function(signature, index));
    const types = SIGNATURES.map((s, i) => `(type $t${i} (func ${s.params} ${s.results}))`);
    const table = this.#functions.map((_, index) => `$f${index}`).join(' ');
    const starts = this.#functions.map((_, index) => this.#call(index)).join('\n');
    return `(module ${types.join(' ')}
      (import "manyhands" "checkpoint" (func $checkpoint))
      (import "manyhands" "progress" (func $progress (param f64)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1 4)
      (table funcref (elem ${table}))
      (global $budget (mut i32) (i32.const 60))
      (global $x (mut i32) (i32.const 1))
      (data $bytes "some bytes to copy")
      ${bodies.join('\n')}
      (func (export "_start") ${starts}))`;
  }

  #pick(count: number): number {
    return (this.#tape[this.#at++] ?? 0) % count;
  }

  #function(signature: number, index: number): string {
    this.#signature = SIGNATURES[signature] ?? SIGNATURES[0];
    this.#labels = [];
    this.#counters = 0;
    const { params, results, defaults } = this.#signature;
    const locals = Array.from({ length: COUNTERS }, (_, i) => `(local $c${i} i32)`).join(' ');
    const body = this.#statements(0);
    return `(func $f${index} (type $t${signature}) ${params} ${results}
      (local $a i32) (local $v v128) ${locals}
      (global.set $budget (i32.sub (global.get $budget) (i32.const 1)))
      (if (i32.lt_s (global.get $budget) (i32.const 0)) (then (return ${wrap(defaults)})))
      ${body}
      ${defaults})`;
  }

  #statements(depth: number): string {
    let text = '';
    for (let count = this.#pick(5); count > 0; count--) text += `${this.#statement(depth)}\n`;
    return text;
  }

  #statement(depth: number): string {
    const isDeep = depth >= DEPTH_MAX;
    switch (this.#pick(29)) {
      case 0:
        return 'nop';
      case 1:
        return `(local.set $a ${this.#value()})`;
      case 2:
        return `(global.set $x (i32.add (global.get $x) ${this.#value()}))`;
      case 3:
      case 4:
        return isDeep ? 'nop' : this.#if(depth);
      case 5:
      case 6:
        return isDeep ? 'nop' : this.#block(depth);
      case 7:
      case 8:
      case 9:
        return isDeep ? 'nop' : this.#loop(depth);
      case 10:
        return this.#branch();
      case 11:
      case 12:
        return this.#branchIf();
      case 13:
        return this.#branchTable();
      case 14:
      case 15:
        return this.#call(this.#pick(this.#functions.length));
      case 16:
        return this.#callIndirect(this.#pick(this.#functions.length));
      case 17:
        return '(call $checkpoint)';
      case 18:
        return this.#pick(2) ? '(call $progress (f64.const 0.5))' : '(drop (call $yield))';
      case 19:
        return this.#pick(4) ? this.#branchIf() : `(return ${wrap(this.#signature.defaults)})`;
      case 20:
        return this.#bulk();
      case 21:
        return `(drop (memory.grow (i32.const ${this.#pick(3)})))`;
      case 22:
        return `(i32.store (i32.const ${this.#pick(64) * 4}) ${this.#value()})`;
      case 23:
        return this.#vector();
      case 24:
        return this.#pick(8) ? this.#choice(depth) : 'unreachable';
      case 25:
        return this.#pick(3) ? 'nop' : `(drop (i32.div_u (i32.const 1) ${this.#value()}))`;
      case 26:
      case 27:
        return this.#countedLoop();
      default:
        return this.#pick(8) ? '(drop (i32.load (i32.const 8)))' : '(call $exit (i32.const 3))';
    }
  }

  #if(depth: number): string {
    const head = `(if ${this.#condition()}`;
    const then = `(then ${this.#statements(depth + 1)})`;
    return this.#pick(2)
      ? `${head} ${then} (else ${this.#statements(depth + 1)}))`
      : `${head} ${then})`;
  }

  /** An `if` or block that leaves a value, or takes one. */
  #choice(depth: number): string {
    if (depth >= DEPTH_MAX) return 'nop';
    if (this.#pick(2))
      return `(local.set $a (if (result i32) ${this.#condition()}
        (then ${this.#statements(depth + 1)} ${this.#value()})
        (else ${this.#statements(depth + 1)} ${this.#value()})))`;
    const name = `$l${this.#names++}`;
    return `${this.#value()} (block ${name} (param i32) (result i32)
      ${this.#statements(depth + 1)} (br_if ${name} ${this.#condition()})) (local.set $a)`;
  }

  #block(depth: number): string {
    const name = `$l${this.#names++}`;
    this.#labels.push({ name });
    const body = this.#statements(depth + 1);
    this.#labels.pop();
    return `(block ${name} ${body})`;
  }

  #loop(depth: number): string {
    if (this.#counters >= COUNTERS) return 'nop';
    const name = `$l${this.#names++}`;
    const counter = `$c${this.#counters++}`;
    this.#labels.push({ name, counter });
    const body = this.#statements(depth + 1);
    this.#labels.pop();
    const turns = 1 + this.#pick(4);
    const back = this.#pick(6) ? goBack({ name, counter }) : '';
    return `(local.set ${counter} (i32.const ${turns})) (loop ${name} ${body} ${back})`;
  }

  /** As compilers write `for`: the meter knows such loops. */
  #countedLoop(): string {
    if (this.#counters >= COUNTERS) return 'nop';
    const counter = `$c${this.#counters++}`;
    const name = `$l${this.#names++}`;
    const step = 2 ** this.#pick(3);
    const turns = this.#pick(6);
    const get = `(local.get ${counter})`;
    const body = Array.from({ length: this.#pick(3) }, () => this.#straight()).join('\n');
    if (this.#pick(2))
      return `(local.set ${counter} (i32.const ${(turns + 1) * step}))
        (loop ${name} ${body}
          (br_if ${name} (local.tee ${counter} (i32.add ${get} (i32.const -${step})))))`;
    const test = this.#pick(2)
      ? `(i32.lt_s ${get} (i32.const ${turns * step}))`
      : `(i32.gt_u (i32.const ${Math.max(0, turns * step - this.#pick(2))}) ${get})`;
    return `(local.set ${counter} (i32.const 0))
      (loop ${name} (if ${test} (then ${body}
        (local.set ${counter} (i32.add ${get} (i32.const ${step}))) (br ${name}))))`;
  }

  #straight(): string {
    if (this.#pick(4) === 0) return this.#vector();
    return this.#pick(2)
      ? `(local.set $a ${this.#value()})`
      : `(i32.store (i32.const ${this.#pick(64) * 4}) ${this.#value()})`;
  }

  #branch(): string {
    const label = this.#label();
    if (label === undefined) return 'nop';
    return label.counter === undefined ? `(br ${label.name})` : goBack(label);
  }

  #branchIf(): string {
    const label = this.#label();
    if (label === undefined) return 'nop';
    return label.counter === undefined
      ? `(br_if ${label.name} ${this.#condition()})`
      : goBack(label);
  }

  #branchTable(): string {
    const blocks = this.#labels.filter(({ counter }) => counter === undefined);
    if (blocks.length === 0) return 'nop';
    const targets = Array.from(
      { length: 1 + this.#pick(4) },
      () => blocks[this.#pick(blocks.length)]?.name ?? '',
    );
    return `(br_table ${targets.join(' ')} ${this.#value()})`;
  }

  #label(): Label | undefined {
    return this.#labels[this.#pick(Math.max(1, this.#labels.length))];
  }

  #call(index: number): string {
    const signature = SIGNATURES[this.#functions[index] ?? 0] ?? SIGNATURES[0];
    return `${signature.arguments} (call $f${index}) ${drops(signature.results)}`;
  }

  #callIndirect(index: number): string {
    const type = this.#functions[index] ?? 0;
    const signature = SIGNATURES[type] ?? SIGNATURES[0];
    return `${signature.arguments} (call_indirect (type $t${type}) (i32.const ${index})) ${drops(signature.results)}`;
  }

  #bulk(): string {
    const [at, from, length] = [this.#pick(200), this.#pick(200), this.#pick(100)];
    const operands = `(i32.const ${at}) (i32.const ${from}) (i32.const ${length})`;
    if (this.#pick(3)) return `(memory.${this.#pick(2) ? 'fill' : 'copy'} ${operands})`;
    return `(memory.init $bytes (i32.const ${at}) (i32.const 1) (i32.const ${length % 16}))`;
  }

  #vector(): string {
    return `(local.set $v (f64x2.div (local.get $v) (f64x2.splat (f64.const 2))))
      (v128.store (i32.const 512) (i32x4.add (local.get $v) (v128.load (i32.const 528))))`;
  }

  #value(): string {
    switch (this.#pick(6)) {
      case 0:
        return `(i32.const ${this.#pick(7)})`;
      case 1:
        return '(local.get $a)';
      case 2:
        return '(i32.rem_u (global.get $x) (i32.const 5))';
      case 3:
        return '(i32.load8_u (i32.and (local.get $a) (i32.const 255)))';
      case 4:
        return '(i32.add (local.get $a) (global.get $budget))';
      default:
        return '(i32.trunc_sat_f64_s (f64.sqrt (f64.convert_i32_u (global.get $x))))';
    }
  }

  #condition(): string {
    return this.#pick(3)
      ? `(i32.and ${this.#value()} (i32.const 1))`
      : `(i32.const ${this.#pick(2)})`;
  }
}

/** Once more round the loop while its counter lasts. */
function goBack({ name, counter }: Label): string {
  return `(br_if ${name} (i32.gt_s
    (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1))) (i32.const 0)))`;
}

const drops = (results: string): string =>
  results
    .match(/i(32|64)/g)
    ?.map(() => '(drop)')
    .join(' ') ?? '';

/** `i32.const 7` as an operand of a folded `return`. */
const wrap = (code: string): string => code.replace(/(i\d+\.const \d+)/g, '($1)');
