import { runKernel } from '../../../worker/sandbox/runner.ts';
import { wasiTestsuite } from './wasi-programs.ts';

wasiTestsuite('Node', ({ wasm, run }) =>
  runKernel(new WebAssembly.Module(new Uint8Array(wasm)), run),
);
