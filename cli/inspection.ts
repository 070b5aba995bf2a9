/** What `kernel inspect` says of a module: accepted or why not, and what it would need of a host. */
import { inspectKernel, type KernelInspection } from '../kernel/inspect.ts';
import { KernelRefused } from '../kernel/refused.ts';
import { formatCount } from './format.ts';
import { onStdout, plainText } from './terminal.ts';

/** The inspector leaves the types of instructions to the engine; a scientist wants one answer. */
export function inspectTyped(wasm: Uint8Array): KernelInspection {
  const inspection = inspectKernel(wasm);
  if (!inspection.accepted || WebAssembly.validate(new Uint8Array(wasm))) return inspection;
  const { reason, detail, offset, change } = mistyped();
  return { ...inspection, accepted: false, refusal: { reason, detail, offset, change } };
}

export const mistyped = (): KernelRefused =>
  new KernelRefused('malformed', 'The types of its instructions do not fit.', 0);

export function tellInspection(path: string, inspection: KernelInspection): string[] {
  const { accepted, refusal, bytes, memory, functions, recursiveFunctions } = inspection;
  const { green, red, dim } = onStdout;
  const lines: [string, string][] = [
    ['size', `${formatCount(bytes)} bytes, ${formatCount(functions)} functions`],
    ['recursion', `${formatCount(recursiveFunctions)} functions may call themselves again`],
    ['memory', tellMemory(memory)],
    ...tellImports(inspection.imports),
    ['features', inspection.features.join(', ') || 'none beyond the first WebAssembly'],
  ];
  if (inspection.floatStores) {
    lines.push(['floats', 'the meter makes NaNs the same on every host']);
  }
  if (refusal !== undefined) {
    lines.unshift(
      ['why', `${refusal.reason} at byte ${refusal.offset}: ${refusal.detail}`],
      ['do', refusal.change],
    );
  }
  const verdict = accepted ? green('accepted') : red('refused');
  return [
    `${path}: ${verdict}`,
    ...lines.map(([label, text]) => `  ${dim(label.padEnd(10))} ${plainText(text)}`),
  ];
}

function tellMemory(memory: KernelInspection['memory']): string {
  if (memory === null) return 'none';
  const most = memory.maxPages === null ? 'no limit of its own' : `at most ${memory.maxPages}`;
  return `${formatCount(memory.initialPages)} pages of 64 KiB at first, ${most}`;
}

/** A line for each module that it imports from. */
function tellImports(imports: KernelInspection['imports']): [string, string][] {
  const byModule = new Map<string, string[]>();
  for (const { module, name } of imports) {
    byModule.set(module, [...(byModule.get(module) ?? []), name]);
  }
  return [...byModule].map(([module, names]) => ['imports', `${module}: ${names.join(', ')}`]);
}
