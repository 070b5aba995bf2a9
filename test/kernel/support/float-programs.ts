/**
 * Random programs that compute with floats of all shapes among infinities, zeros and NaNs, and move
 * them through locals, blocks, calls, vectors and integers. Each is written twice from the same tape:
 * as a compiler would, and with a function called after every single instruction of arithmetic that
 * puts the canonical NaN in place of any other. Both leave what they found out in memory.
 */
import fc from 'fast-check';

export interface FloatProgram {
  plain: string;
  /** The same, with every NaN of arithmetic made canonical on the spot. */
  canonical: string;
}

export const floatPrograms: fc.Arbitrary<FloatProgram> = fc
  .uint8Array({ minLength: 40, maxLength: 400, size: 'max' })
  .map((tape) => ({
    plain: new Writer(tape, false).text(),
    canonical: new Writer(tape, true).text(),
  }));

type Kind = 'f32' | 'f64' | 'f32x4' | 'f64x2';
const kinds: readonly Kind[] = ['f32', 'f64', 'f32x4', 'f64x2'];
const LOCALS = 3;
const PLACES = 16;
const isVector = (kind: Kind): boolean => kind.includes('x');
const typeOf = (kind: Kind): string => (isVector(kind) ? 'v128' : kind);

/** 0, 1, infinity, two quiet NaNs and a signalling one, of 64 and of 32 bits. */
const INPUTS = [
  '0000000000000000',
  '000000000000f03f',
  '000000000000f07f',
  '010000000000f87f',
  '020000000000f8ff',
  '030000000000f07f',
  '0000803f0000807f',
  '0100c07f0200c0ff',
  '030080ff00000000',
].map((hex) => hex.replace(/../g, '\\$&'));

const canonisers = `
  (func $canon_f32 (param f32) (result f32) (f32.reinterpret_i32 (select (i32.const 0x7fc00000)
    (i32.reinterpret_f32 (local.get 0))
    (i32.gt_u (i32.and (i32.reinterpret_f32 (local.get 0)) (i32.const 0x7fffffff)) (i32.const 0x7f800000)))))
  (func $canon_f64 (param f64) (result f64) (f64.reinterpret_i64 (select (i64.const 0x7ff8000000000000)
    (i64.reinterpret_f64 (local.get 0))
    (i64.gt_u (i64.and (i64.reinterpret_f64 (local.get 0)) (i64.const 0x7fffffffffffffff)) (i64.const 0x7ff0000000000000)))))
  (func $canon_f32x4 (param v128) (result v128) (local.get 0) ${lanes('f32x4', 4)})
  (func $canon_f64x2 (param v128) (result v128) (local.get 0) ${lanes('f64x2', 2)})`;

function lanes(kind: 'f32x4' | 'f64x2', count: number): string {
  const scalar = kind.slice(0, 3);
  const each = Array.from(
    { length: count },
    (_, lane) =>
      `(call $canon_${scalar} (${kind}.extract_lane ${lane} (local.get 0))) (${kind}.replace_lane ${lane})`,
  );
  return each.join(' ');
}

class Writer {
  readonly #tape: Uint8Array;
  readonly #isCanonical: boolean;
  #at = 0;
  #names = 0;
  /** Callees do not call, so that calls end. */
  #isInCallee = false;

  constructor(tape: Uint8Array, isCanonical: boolean) {
    this.#tape = tape;
    this.#isCanonical = isCanonical;
  }

  text(): string {
    const locals = kinds.flatMap((kind) =>
      // Vectors of both shapes share their locals.
      kind === 'f64x2'
        ? []
        : Array.from({ length: LOCALS }, (_, i) => `(local $${typeOf(kind)}_${i} ${typeOf(kind)})`),
    );
    const body = Array.from({ length: 8 }, () => this.#statement(3)).join('\n');
    const params = '(param $f32_p f32) (param $f64_p f64) (param $v128_p v128)';
    this.#isInCallee = true;
    const callees = kinds.map(
      (kind) =>
        `(func $callee_${kind} ${params} (result ${typeOf(kind)}) (local $base i32) ${locals.join(' ')} ${this.#value(kind, 2)})`,
    );
    return `(module (memory (export "memory") 1)
      (data (i32.const 0) "${INPUTS.join('')}${INPUTS.join('')}") (data (i32.const 1024) "\\04")
      ${this.#isCanonical ? canonisers : ''}
      ${callees.join('\n')}
      (func (export "_start") ${params.replaceAll('param', 'local')} (local $i i32) (local $j i32) (local $base i32)
        (local $skew i32) (local $p i32) (local $n i32) (local $t i32) ${locals.join(' ')}
        (local.set $skew (i32.load (i32.const 1024)))
        ${body}))`;
  }

  #statement(depth: number): string {
    const kind = this.#kind();
    switch (this.#pick(depth > 0 ? 11 : 5)) {
      case 0:
      case 1:
        return `(local.set ${this.#local(kind)} ${this.#value(kind, depth)})`;
      case 2:
        return this.#store(kind, depth);
      case 3:
        return `(i64.store ${this.#place()} (i64.reinterpret_f64 ${this.#value('f64', depth)}))`;
      case 4:
        return `(i32.store ${this.#place()} (f64.lt ${this.#value('f64', depth)} ${this.#value('f64', depth)}))`;
      case 8:
        // Compilers put stores of related values close together.
        return Array.from({ length: 4 }, () =>
          this.#store(this.#pick(3) === 0 ? this.#kind() : kind, 1),
        ).join(' ');
      case 9:
      case 10:
        return this.#refill();
      case 5:
        return `(if ${this.#test(depth)} (then ${this.#statement(depth - 1)}) (else ${this.#statement(depth - 1)}))`;
      case 6: {
        const counter = depth > 1 ? '$i' : '$j';
        const label = `$l${this.#names++}`;
        return `(local.set ${counter} (i32.const 3)) (loop ${label} ${this.#statement(depth - 2)} ${this.#statement(depth - 2)}
          (br_if ${label} (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1)))))`;
      }
      default:
        return `${this.#statement(depth - 1)} ${this.#statement(depth - 1)}`;
    }
  }

  /** A loop that computes with what lies in memory and puts it back there, as simulations do. */
  #refill(): string {
    const turn = `$l${this.#names++}`;
    const each = `$l${this.#names++}`;
    const wide = this.#pick(2) === 0;
    const own = wide ? (['f64', 'f64x2'] as const) : (['f32', 'f32x4'] as const);
    const kind = (): Kind => own[this.#pick(8) === 0 ? 1 : 0];
    const base = this.#one(['(local.get $base)', '(local.get $base)', '(local.get $skew)']);
    // Half of a float is in reach where not all addresses are as far from whole ones.
    const here = () =>
      `offset=${8 * this.#pick(PLACES)} ${this.#pick(8) === 0 ? '(local.get $skew)' : base}`;
    const there = () => `offset=${8 * this.#pick(4)} (local.get $p)`;
    const statements = (at: () => string) =>
      Array.from({ length: 1 + this.#pick(4) }, () => {
        const of = kind();
        if (this.#pick(5) === 0) return this.#butterfly(of, at);
        return this.#pick(4) === 0
          ? `(local.set ${this.#local(of)} ${this.#moved(of, at)})`
          : `(${typeOf(of)}.store ${at()} ${this.#moved(of, at)})`;
      }).join('\n');
    const start = `(local.set $p ${base})`;
    const count = (counter: string, turns: number) =>
      `(local.set ${counter} (i32.const ${1 + this.#pick(turns)}))`;
    const down = (counter: string) => `(i32.sub (local.get ${counter}) (i32.const 1))`;
    const inner = `${count('$n', 4)} (loop ${each} ${statements(there)}
      (local.set $p (i32.add (local.get $p) (i32.const ${this.#one(['8', '16', '4'])})))
      (br_if ${each} (local.tee $n ${down('$n')})))`;
    const between = this.#pick(2) === 0 ? inner : '';
    const guarded = this.#pick(3) === 0 ? `(if (local.get $base) (then ${statements(here)}))` : '';
    // Every turn stores to the same places if the pointer starts from the same.
    const [before, first] = this.#pick(2) === 0 ? [start, ''] : ['', start];
    const body = `${first} ${statements(here)} ${between} ${guarded}`;
    const loop =
      this.#pick(2) === 0
        ? `(loop ${turn} ${body} (br_if ${turn} (local.tee $t ${down('$t')})))`
        : `(loop ${turn} (if (local.get $t) (then ${body} (local.set $t ${down('$t')}) (br ${turn}))))`;
    return `${count('$t', 3)} ${before} ${loop}`;
  }

  /** As in an FFT: the sum and the difference of two values. */
  #butterfly(kind: Kind, at: () => string): string {
    const type = typeOf(kind);
    const [x, y] = [`$${type}_0`, `$${type}_1`];
    const of = (operation: string) =>
      this.#made(kind, `${kind}.${operation}`, `(local.get ${x})`, `(local.get ${y})`);
    return `(local.set ${x} (${type}.load ${at()})) (local.set ${y} (${type}.load ${at()}))
      (${type}.store ${at()} ${of('add')}) (${type}.store ${at()} ${of(this.#one(['sub', 'add', 'div']))})`;
  }

  #moved(kind: Kind, at: () => string): string {
    const load = `(${typeOf(kind)}.load ${at()})`;
    switch (this.#pick(5)) {
      case 0:
        return this.#made(kind, `${kind}.${this.#one(unary)}`, load);
      case 1:
        return this.#pick(4) === 0 ? load : this.#made(kind, `${kind}.mul`, load, load);
      default:
        return this.#made(
          kind,
          `${kind}.${this.#one(binary)}`,
          load,
          this.#pick(2) === 0
            ? `(local.get ${this.#local(kind)})`
            : `(${typeOf(kind)}.load ${at()})`,
        );
    }
  }

  #store(kind: Kind, depth: number): string {
    return `(${typeOf(kind)}.store ${this.#access()} ${this.#value(kind, depth)})`;
  }

  #value(kind: Kind, depth: number): string {
    if (depth <= 0) return this.#leaf(kind);
    const next = () => this.#value(kind, depth - 1);
    switch (this.#pick(this.#isInCallee ? 11 : 12)) {
      case 0:
        return this.#leaf(kind);
      case 1:
      case 2:
      case 3:
        return this.#made(kind, `${kind}.${this.#one(binary)}`, next(), next());
      case 4:
        return this.#made(kind, `${kind}.${this.#one(unary)}`, next());
      case 5:
        return `(${kind}.${this.#one(['neg', 'abs'])} ${next()})`;
      case 6:
        return `(local.tee ${this.#local(kind)} ${next()})`;
      case 7:
        return `(select ${next()} ${next()} ${this.#test(depth - 1)})`;
      case 8: {
        const label = `$b${this.#names++}`;
        return `(block ${label} (result ${typeOf(kind)}) (br_if ${label} ${next()} ${this.#test(depth - 1)}) (drop) ${next()})`;
      }
      case 9:
        return this.#carried(kind, depth - 1);
      case 10:
        return this.#own(kind, depth - 1);
      default:
        return `(call $callee_${kind} ${this.#value('f32', depth - 1)} ${this.#value('f64', depth - 1)} ${this.#value('f32x4', depth - 1)})`;
    }
  }

  /** What goes over from another shape. */
  #carried(kind: Kind, depth: number): string {
    const from = (other: Kind) => this.#value(other, depth);
    switch (kind) {
      case 'f32':
        return this.#pick(2) === 0
          ? this.#made('f32', 'f32.demote_f64', from('f64'))
          : `(f32x4.extract_lane ${this.#pick(4)} ${from('f32x4')})`;
      case 'f64':
        return this.#pick(2) === 0
          ? this.#made('f64', 'f64.promote_f32', from('f32'))
          : `(f64x2.extract_lane ${this.#pick(2)} ${from('f64x2')})`;
      case 'f32x4':
        return [
          () => this.#made('f32x4', 'f32x4.demote_f64x2_zero', from('f64x2')),
          () => `(f32x4.splat ${from('f32')})`,
          () => from('f64x2'),
        ][this.#pick(3)]?.() as string;
      case 'f64x2':
        return [
          () => this.#made('f64x2', 'f64x2.promote_low_f32x4', from('f32x4')),
          () => `(f64x2.splat ${from('f64')})`,
          () => from('f32x4'),
        ][this.#pick(3)]?.() as string;
    }
  }

  /** What only this shape has. */
  #own(kind: Kind, depth: number): string {
    const next = () => this.#value(kind, depth);
    if (!isVector(kind)) return `(${kind}.copysign ${next()} ${next()})`;
    const lane = this.#pick(kind === 'f32x4' ? 4 : 2);
    const scalar = kind === 'f32x4' ? 'f32' : 'f64';
    return [
      () => `(${kind}.replace_lane ${lane} ${next()} ${this.#value(scalar, depth)})`,
      () => `(v128.${this.#one(['and', 'or', 'xor'])} ${next()} ${next()})`,
      () => `(i8x16.shuffle 8 9 10 11 20 21 22 23 0 1 2 3 4 5 6 7 ${next()} ${next()})`,
      () => `(${kind}.${this.#one(['pmin', 'pmax'])} ${next()} ${next()})`,
      // Masks and integers lie in the same locals as floats.
      () => `(${kind}.${this.#one(['lt', 'eq', 'ne'])} ${next()} ${next()})`,
      () =>
        `(${kind === 'f32x4' ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero'} ${next()})`,
    ][this.#pick(6)]?.() as string;
  }

  #leaf(kind: Kind): string {
    switch (this.#pick(4)) {
      case 0:
        return `(${typeOf(kind)}.load ${this.#access()})`;
      case 1:
        if (isVector(kind)) return `(v128.const i64x2 ${this.#pick(2)} 0x3ff0000000000000)`;
        return `(${kind}.const ${this.#one(['0', '-1', 'inf', 'nan:0x400001'])})`;
      default:
        return `(local.get ${this.#local(kind)})`;
    }
  }

  #test(depth: number): string {
    return `(f32.le ${this.#value('f32', depth - 1)} ${this.#value('f32', depth - 1)})`;
  }

  #made(kind: Kind, instruction: string, ...operands: string[]): string {
    const made = `(${instruction} ${operands.join(' ')})`;
    return this.#isCanonical ? `(call $canon_${kind} ${made})` : made;
  }

  #place(): string {
    return `(i32.const ${8 * this.#pick(PLACES)})`;
  }

  /** Where floats go and come from: of some it is said that they are aligned to four bytes only, and so they are. */
  #access(): string {
    const isLess = this.#pick(5) === 0;
    const at = 8 * this.#pick(PLACES) + (isLess ? 4 : 0);
    const memarg = [`offset=${at}`, '', `offset=${at - 4}`][this.#pick(3)] ?? '';
    const rest = memarg === '' ? at : memarg === `offset=${at}` ? 0 : 4;
    if (at < 4) return `(i32.const ${at})`;
    const base = this.#one(['(i32.const 0)', '(local.get $base)', '(local.get $base)']);
    return `${memarg} ${isLess ? 'align=4' : ''} (i32.add (i32.const ${rest}) ${base})`;
  }

  #local(kind: Kind): string {
    const nth = this.#pick(LOCALS + 1);
    return `$${typeOf(kind)}_${nth === LOCALS ? 'p' : nth}`;
  }

  #kind(): Kind {
    return this.#one(kinds) as Kind;
  }

  #one(list: readonly string[]): string {
    return list[this.#pick(list.length)] ?? '';
  }

  /** 0 where the tape has ended. */
  #pick(count: number): number {
    return (this.#tape[this.#at++] ?? 0) % count;
  }
}

const binary = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const unary = ['sqrt', 'ceil', 'floor', 'trunc', 'nearest'];
