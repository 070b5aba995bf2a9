/**
 * What fuel means, said as simply as it can be: a counter before every single instruction. It works
 * on text, by mnemonic, and shares neither decoder nor opcode table with the meter it checks.
 */
import {
  BULK_BYTES_PER_FUEL_LOG2,
  GROWN_PAGE_FUEL,
  HOST_CALL_FUEL,
  weights,
} from '../../../kernel/meter/weights.ts';
import { toText, wat } from './wat.ts';

const LOCALS = '    (local';

/** The module with a counter that goes up, exported as `reference_fuel`. */
export function referenceMeter(wasm: Uint8Array, memoryPagesMax: number): Uint8Array {
  const lines = toText(wasm).trimEnd().split('\n');
  const hostFunctions = lines.filter((line) => /^ {2}\(import .*\(func/.test(line)).length;
  const counter = lines.filter((line) => /^ {2}\(global /.test(line)).length;
  const out: string[] = [];
  let scratch = 0;
  let isInBody = false;
  for (const [at, line] of lines.entries()) {
    const next = lines[at + 1] ?? '';
    if (/^ {2}\(/.test(line)) isInBody = /^ {2}\(func /.test(line);
    if (isInBody && /^ {2}\(func /.test(line)) {
      scratch = count(line, 'param') + count(next, 'local');
      out.push(line);
      if (next.startsWith('    ') && !next.startsWith(LOCALS)) out.push(`${LOCALS} i32)`);
      continue;
    }
    if (isInBody && line.startsWith(LOCALS)) {
      out.push(line.replace(/\)/, ' i32)'));
      continue;
    }
    const [, mnemonic] = /^ {4,}([a-z][a-z0-9_.]*)/.exec(line) ?? [];
    if (isInBody && mnemonic) out.push(...countingCode(mnemonic, line));
    out.push(line);
  }
  const end = out.pop() ?? '';
  out.push(end.replace(/\)$/, ''));
  out.push('(global (mut i64) (i64.const 0))');
  out.push(`(export "reference_fuel" (global ${counter})))`);
  return wat(out.join('\n'));

  function countingCode(mnemonic: string, line: string): string[] {
    const [, target] = /^ *call (\d+)/.exec(line) ?? [];
    const host = target !== undefined && Number(target) < hostFunctions ? HOST_CALL_FUEL : 0;
    const code: string[] = [];
    const weight = weights[classOf(mnemonic)] + host;
    if (weight > 0) code.push(add(`i64.const ${weight}`));
    if (['memory.fill', 'memory.copy', 'memory.init'].includes(mnemonic))
      code.push(
        `local.tee ${scratch}`,
        add(
          `local.get ${scratch} i64.extend_i32_u i64.const ${BULK_BYTES_PER_FUEL_LOG2} i64.shr_u`,
        ),
      );
    if (mnemonic === 'memory.grow')
      code.push(
        `local.tee ${scratch}`,
        add(`local.get ${scratch} i64.extend_i32_u i64.const ${GROWN_PAGE_FUEL} i64.mul
          i64.const 0
          local.get ${scratch} i64.extend_i32_u memory.size i64.extend_i32_u i64.add
          i64.const ${memoryPagesMax} i64.le_u
          select`),
      );
    return code;
  }

  function add(value: string): string {
    return `global.get ${counter} ${value} i64.add global.set ${counter}`;
  }
}

function classOf(mnemonic: string): keyof typeof weights {
  if (/^(nop|block|loop|else|end|drop)$/.test(mnemonic)) return 'free';
  if (/^local\.|\.const$|^ref\.null$/.test(mnemonic)) return 'free';
  if (/^i(32|64)\.(div|rem)_/.test(mnemonic)) return 'divide';
  if (/^f(32|64)(x[24])?\.(div|sqrt)$/.test(mnemonic)) return 'floatDivide';
  if (/^memory\.(fill|copy|init)$/.test(mnemonic)) return 'bulk';
  if (mnemonic === 'memory.grow') return 'grow';
  if (mnemonic === 'call') return 'call';
  if (mnemonic === 'call_indirect') return 'callIndirect';
  return 'plain';
}

/** How many types stand in the `(param …)` or `(local …)` lists of a line. */
function count(line: string, list: string): number {
  let total = 0;
  for (const [, types = ''] of line.matchAll(new RegExp(`\\(${list} ([^)]*)\\)`, 'g')))
    total += types.trim().split(/\s+/).length;
  return total;
}
