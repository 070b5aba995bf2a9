/** Value types as they stand in the binary, and function signatures made of them. */
import { kernelLimits } from './limits.ts';
import { Reader } from './reader.ts';

export const valueType = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
} as const;

export interface FunctionType {
  params: Uint8Array;
  results: Uint8Array;
  /** Equal for equal signatures, like `iIi>i`: call_indirect compares these, not indices. */
  signature: string;
}

const letters = new Map<number, string>([
  [valueType.i32, 'i'],
  [valueType.i64, 'I'],
  [valueType.f32, 'f'],
  [valueType.f64, 'F'],
  [valueType.v128, 'v'],
  [valueType.funcref, 'r'],
  [valueType.externref, 'e'],
]);

export const isValueType = (byte: number): boolean => letters.has(byte);
export const isReferenceType = (byte: number): boolean =>
  byte === valueType.funcref || byte === valueType.externref;

export function readValueType(reader: Reader): number {
  const byte = reader.byte();
  if (!isValueType(byte))
    reader.refuse('feature_forbidden', `Value type ${hex(byte)} is not allowed.`, reader.at - 1);
  return byte;
}

export function readReferenceType(reader: Reader): number {
  const byte = reader.byte();
  if (!isReferenceType(byte))
    reader.refuse(
      'feature_forbidden',
      `Reference type ${hex(byte)} is not allowed.`,
      reader.at - 1,
    );
  return byte;
}

export function readFunctionType(reader: Reader): FunctionType {
  const form = reader.byte();
  if (form !== 0x60)
    reader.refuse('feature_forbidden', `Type form ${hex(form)} belongs to GC.`, reader.at - 1);
  const params = readValueTypes(reader, kernelLimits.paramsMax);
  const results = readValueTypes(reader, kernelLimits.resultsMax);
  return { params, results, signature: `${lettersOf(params)}>${lettersOf(results)}` };
}

function readValueTypes(reader: Reader, max: number): Uint8Array {
  const start = reader.at;
  const count = reader.u32();
  if (count > max)
    reader.refuse('limit_exceeded', `${count} parameters or results; at most ${max}.`, start);
  const types = new Uint8Array(count);
  for (let i = 0; i < count; i++) types[i] = readValueType(reader);
  return types;
}

function lettersOf(types: Uint8Array): string {
  let all = '';
  for (const type of types) all += letters.get(type) ?? '?';
  return all;
}

export const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

export interface FunctionBody {
  type: FunctionType;
  /** The declarations of locals, without their count. */
  localsStart: number;
  codeStart: number;
  /** How many there are, parameters included. */
  locals: number;
}

/** Of all locals, parameters first. */
export function localTypes(bytes: Uint8Array, body: FunctionBody): number[] {
  const types = [...body.type.params];
  const reader = new Reader(bytes, body.localsStart, body.codeStart);
  while (!reader.isAtEnd) {
    const count = reader.u32();
    const type = readValueType(reader);
    for (let i = 0; i < count; i++) types.push(type);
  }
  return types;
}
