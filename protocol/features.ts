/**
 * What hosts differ in, as far as a kernel may need it: parts of WebAssembly that not every engine or processor has.
 * What every engine has that can join a grid at all is not listed. A worker names what its sandbox can do, and is
 * granted what needs no more. One that is newer than the grid may name more: what is not known here is let pass.
 */
import { z } from 'zod';

/** `simd`: vectors of 128 bits. Engines have them since 2023, but not on a processor without SSE4.1. */
export const hostFeatures = ['simd'] as const;
export type HostFeature = (typeof hostFeatures)[number];

/** A few more than there are proposals for WebAssembly. */
const namedMax = 64;
export const namedFeaturesSchema = z
  .array(z.string().regex(/^[a-z0-9-]{1,32}$/, 'expected a name like simd'))
  .max(namedMax);

/** What a host that names these lacks. */
export const featuresLacking = (named: readonly string[]): HostFeature[] =>
  hostFeatures.filter((feature) => !named.includes(feature));
