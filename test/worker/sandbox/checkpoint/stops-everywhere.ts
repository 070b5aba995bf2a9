/**
 * Any program of WASI as one that can be saved at each of its calls: before each it is made to call
 * `manyhands.checkpoint`. Programs that know nothing of checkpoints are thus stopped in the midst of
 * what they do with files, clocks and descriptors.
 */
import binaryen from 'binaryen';

export function withCheckpoints(wasm: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(wasm);
  try {
    module.setFeatures(binaryen.Features.All);
    const { none } = binaryen;
    module.addFunctionImport('checkpoint', 'manyhands', 'checkpoint', none, none);
    const functions = Array.from({ length: module.getNumFunctions() }, (_, index) =>
      binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
    );
    for (const { name, module: from, base, params, results } of functions) {
      // Those that come from nowhere have a body.
      if (!from || !base || name === 'checkpoint') continue;
      const real = `real ${name}`;
      module.removeFunction(name);
      module.addFunctionImport(real, from, base, params, results);
      const operands = binaryen
        .expandType(params)
        .map((type, index) => module.local.get(index, type));
      const body = module.block(
        '',
        [module.call('checkpoint', [], none), module.call(real, operands, results)],
        results,
      );
      module.addFunction(name, params, results, [], body);
    }
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
