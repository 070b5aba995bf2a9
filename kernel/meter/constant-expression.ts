/**
 * The initial value of a global, an offset, or an element: one constant and `end`. Extended
 * constants and reads of globals are refused; no compiler to WASI needs them.
 */
import { op, readOpcode } from './op.ts';
import type { Reader } from './reader.ts';
import { hex, readReferenceType } from './value-types.ts';

/** Steps over the expression; returns the function it refers to, or null. */
export function readConstantExpression(reader: Reader, functions: number): number | null {
  const start = reader.at;
  let target: number | null = null;
  const opcode = readOpcode(reader);
  switch (opcode) {
    case op.i32Const:
      reader.skipLeb(5);
      break;
    case op.i64Const:
      reader.skipLeb(10);
      break;
    case op.f32Const:
      reader.skip(4);
      break;
    case op.f64Const:
      reader.skip(8);
      break;
    case op.refNull:
      readReferenceType(reader);
      break;
    case op.refFunc:
      target = reader.u32();
      if (target >= functions) reader.refuse('malformed', `There is no function ${target}.`, start);
      break;
    case op.v128Const:
      reader.skip(16);
      break;
    default:
      reader.refuse(
        'feature_forbidden',
        `A constant expression may not use instruction ${hex(opcode)}.`,
        start,
      );
  }
  if (reader.byte() !== op.end)
    reader.refuse('feature_forbidden', 'A constant expression is one constant.', reader.at - 1);
  return target;
}
