/**
 * Makes a metered kernel one that can be stopped within its calls: Binaryen's Asyncify, over the
 * functions from which `manyhands.checkpoint` can be reached. How such a kernel is stopped and goes
 * on is told in `worker/sandbox/checkpoint/suspension.ts`.
 *
 * It comes after the meter: winding a stack up and down is the host's doing and must cost no fuel,
 * and so it does, as the meter's code is skipped with the kernel's own. It is an opt-in, for it makes
 * code larger and slower: 1.05 to 1.2 times for compiled kernels, over 4 times for interpreters.
 *
 * What comes out is surveyed once more: Asyncify adds locals and branches, and the caps of
 * `meter/limits.ts` are there for whoever has to compile the result.
 */
import binaryen from 'binaryen';
import { decodeModule } from '../meter/decode.ts';
import { survey } from '../meter/survey.ts';
import { KernelRefused } from '../refused.ts';

/**
 * What kernels may use, and nothing more. With all features set Binaryen writes encodings of
 * proposals that no engine of ours reads. The two features without a proposal of their name are parts
 * of the ones before them, and Binaryen aborts when it has the whole without the part.
 */
const { Features } = binaryen;
const features =
  Features.MVP |
  Features.MutableGlobals |
  Features.SignExt |
  Features.NontrappingFPToInt |
  Features.SIMD128 |
  Features.BulkMemory |
  Features.BulkMemoryOpt |
  Features.ReferenceTypes |
  Features.CallIndirectOverlong |
  Features.Multivalue;

/** Binaryen's names for what it adds, and ours: a kernel may bring an Asyncify of its own. */
const controls = {
  asyncify_start_unwind: 'manyhands_start_unwind',
  asyncify_stop_unwind: 'manyhands_stop_unwind',
  asyncify_start_rewind: 'manyhands_start_rewind',
  asyncify_stop_rewind: 'manyhands_stop_rewind',
};
const BINARYENS_PREFIX = 'asyncify_';

/**
 * Takes and gives a metered module. Throws KernelRefused when the result would be too large. Offsets
 * are of no module that its author has, so they are 0.
 */
export function asyncifyKernel(metered: Uint8Array): Uint8Array {
  for (const { name } of decodeModule(metered).exports)
    if (name.startsWith(BINARYENS_PREFIX))
      throw new KernelRefused('export_reserved', `${name} is Asyncify's own export.`, 0);
  const wasm = runOrRefuse(metered);
  try {
    survey(decodeModule(wasm), 'any');
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    throw new KernelRefused(error.reason, `Once prepared to be saved: ${error.detail}`, 0);
  }
  return wasm;
}

/** What Binaryen cannot do it does not say: it aborts, and is of no use to its process afterwards. */
function runOrRefuse(metered: Uint8Array): Uint8Array {
  try {
    return runAsyncify(metered);
  } catch (error) {
    const words = error instanceof Error ? `: ${error.message.split('\n')[0]}` : '.';
    throw new KernelRefused('checkpoint_impossible', `Binaryen could not prepare it${words}`, 0);
  }
}

function runAsyncify(metered: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(metered);
  try {
    module.setFeatures(features);
    binaryen.setOptimizeLevel(2);
    binaryen.setShrinkLevel(1);
    // The compiler has inlined what it found good. Here it would make one large function of many that
    // loop, at three times the cost.
    binaryen.setAlwaysInlineMaxSize(0);
    binaryen.setFlexibleInlineMaxSize(0);
    binaryen.setOneCallerInlineMaxSize(0);
    binaryen.setPassArgument('asyncify-imports', 'manyhands.checkpoint');
    module.runPasses(['asyncify']);
    for (const [theirs, ours] of Object.entries(controls)) {
      module.removeExport(theirs);
      module.addFunctionExport(theirs, ours);
    }
    module.removeExport('asyncify_get_state');
    // Asyncify writes code that is meant to be tidied up.
    module.optimize();
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
