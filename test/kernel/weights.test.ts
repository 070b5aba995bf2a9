import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SIMD_BASE } from '../../kernel/meter/op.ts';
import { immediateOf, weightOf } from '../../kernel/meter/opcodes.ts';
import {
  BULK_BYTES_PER_FUEL_LOG2,
  GROWN_PAGE_FUEL,
  HOST_CALL_FUEL,
  METER_VERSION,
} from '../../kernel/meter/weights.ts';

describe('[S3] the price list', () => {
  it('of meter version 1 is this one: whoever changes a price raises the version', () => {
    const opcodes = Array.from({ length: SIMD_BASE + 256 }, (_, opcode) => opcode);
    const prices = opcodes.map((opcode) => (immediateOf(opcode) === null ? '-' : weightOf(opcode)));
    const list = [prices, HOST_CALL_FUEL, BULK_BYTES_PER_FUEL_LOG2, GROWN_PAGE_FUEL].join();
    expect({
      version: METER_VERSION,
      prices: createHash('sha256').update(list).digest('hex').slice(0, 16),
    }).toEqual({ version: 1, prices: 'e4ee5ee59eef7fc3' });
  });
});
