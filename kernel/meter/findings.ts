/** What the inspector wants to know of all bodies together, noted instruction by instruction. */
import { type Feature, featureOf, trait, traitOf } from './opcodes.ts';

export interface Findings {
  features: Set<Feature>;
  /** Some instruction computes floats, so that a NaN may come out. */
  makesNan: boolean;
  /** Some instruction lets the bits of a NaN be seen. */
  showsNan: boolean;
}

export function noteInstruction(findings: Findings, opcode: number): void {
  const seen = traitOf(opcode);
  if (seen === trait.makesNan) findings.makesNan = true;
  else if (seen === trait.showsNan) findings.showsNan = true;
  const feature = featureOf(opcode);
  if (feature !== 'mvp') findings.features.add(feature);
}
