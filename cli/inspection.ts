/** What `kernel inspect` says of a module: accepted or why not, and what it would need of a host. */
import { inspectKernel, type KernelInspection } from '../kernel/inspect.ts';
import { mistyped } from '../kernel/mistyped.ts';
import { tellRefusal } from '../kernel/refused.ts';
import { runLimitsSchema } from '../protocol/job.ts';
import { formatCount } from './format.ts';
import { onStdout, plainText } from './terminal.ts';

/** The inspector leaves the types of instructions to the engine; a scientist wants one answer. */
export function inspectTyped(wasm: Uint8Array): KernelInspection {
  const inspection = inspectKernel(wasm);
  if (!inspection.accepted || WebAssembly.validate(new Uint8Array(wasm))) return inspection;
  return { ...inspection, accepted: false, refusal: mistyped(wasm).refusal };
}

export function tellInspection(path: string, inspection: KernelInspection): string[] {
  const { accepted, refusal, bytes, memory, functions, recursiveFunctions } = inspection;
  const { green, red, dim } = onStdout;
  const lines: [string, string][] = [];
  if (refusal !== undefined) lines.push(['why', tellRefusal(refusal)], ['do', refusal.change]);
  lines.push([
    'size',
    functions === 0
      ? `${formatCount(bytes)} bytes`
      : `${formatCount(bytes)} bytes, ${counted(functions, 'function')}`,
  ]);
  // Of a module that could not be read to its end, the rest would be a guess.
  if (accepted || functions > 0) {
    lines.push(
      [
        'recursion',
        `${counted(recursiveFunctions, 'function')} may be on the stack more than once`,
      ],
      ['memory', tellMemory(memory)],
      ...tellImports(inspection.imports),
      ['features', inspection.features.join(', ') || 'none beyond the first WebAssembly'],
    );
  }
  if (inspection.floatStores) {
    lines.push(['floats', 'the meter makes NaNs the same on every host']);
  }
  const verdict = accepted ? green('accepted') : red('refused');
  return [
    `${path}: ${verdict}`,
    ...lines.map(([label, text]) => `  ${dim(label.padEnd(10))} ${plainText(text)}`),
  ];
}

function tellMemory(memory: KernelInspection['memory']): string {
  if (memory === null) return 'none';
  const { initialPages, maxPages } = memory;
  const most = maxPages === null ? 'no limit of its own' : `at most ${formatCount(maxPages)}`;
  const first = `${counted(initialPages, 'page')} of 64 KiB at first, ${most}`;
  const bytes = initialPages * pageBytes;
  // Accepted it is all the same: it is the job that says what it may have.
  if (bytes <= usualMemoryBytesMax) return first;
  return `${first}; more than a job has by itself: "limits": {"memoryBytesMax": ${bytes}} or more`;
}

const pageBytes = 65_536;
const usualMemoryBytesMax = runLimitsSchema.parse({}).memoryBytesMax;

const counted = (count: number, what: string): string =>
  `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;

/** A line for each module that it imports from. */
function tellImports(imports: KernelInspection['imports']): [string, string][] {
  const byModule = new Map<string, string[]>();
  for (const { module, name } of imports) {
    byModule.set(module, [...(byModule.get(module) ?? []), name]);
  }
  return [...byModule].map(([module, names]) => ['imports', `${module}: ${names.join(', ')}`]);
}
