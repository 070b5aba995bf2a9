/** What this engine's WebAssembly can do of what hosts differ in: each is asked with the smallest module that uses it. */
import { type HostFeature, hostFeatures } from '../../protocol/features.ts';

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

const probes: Record<HostFeature, readonly number[]> = {
  // (func (result v128) (i8x16.popcnt (i8x16.splat (i32.const 0)))): the last of the fixed instructions to come.
  simd: [
    ...magic,
    ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x0a, 0x0a, 0x01, 0x08, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x62, 0x0b],
  ],
};

export const sandboxFeatures = (): HostFeature[] =>
  hostFeatures.filter((feature) => WebAssembly.validate(new Uint8Array(probes[feature])));
