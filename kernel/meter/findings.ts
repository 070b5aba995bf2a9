/** What the inspector wants to know of all bodies together, noted instruction by instruction. */
import { type Feature, featureOf } from './opcodes.ts';

export interface Findings {
  features: Set<Feature>;
}

export function noteInstruction(findings: Findings, opcode: number): void {
  const feature = featureOf(opcode);
  if (feature !== 'mvp') findings.features.add(feature);
}
