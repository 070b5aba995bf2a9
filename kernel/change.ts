/**
 * What a scientist changes so that a module that was refused becomes a kernel: one sentence, with the
 * flag of the compiler where there is one. The first line whose words are in the refusal's own
 * sentence holds; the last of each reason always does.
 */
import type { RefusalReason } from './refusal-reason.ts';

type Change = [says: RegExp, change: string];
const always = /^/;

const changes: Record<RefusalReason, readonly Change[]> = {
  not_wasm: [
    [/component/, 'Build it for WASI preview 1: Rust, --target wasm32-wasip1 instead of wasip2.'],
    [/text/, 'Translate the text first: wat2wasm kernel.wat -o kernel.wasm.'],
    [always, 'Name the .wasm that the compiler wrote, or let `manyhands kernel build` compile it.'],
  ],
  malformed: [
    [
      /types do not fit/,
      'Whatever wrote it made a mistake there: build it with another version of the compiler. wasm-validate (wabt) tells more.',
    ],
    [
      always,
      'The file is damaged or cut off, or not what a compiler wrote: build or copy it again.',
    ],
  ],
  feature_forbidden: [
    [/relaxed SIMD/, 'clang and Rust: use simd128 without relaxed-simd (-mno-relaxed-simd).'],
    [
      /threads|Shared/,
      'Leave out -pthread and -matomics; Rust: not the target wasm32-wasip1-threads. A unit is one thread.',
    ],
    [
      /exceptions|Exception/,
      'clang++: -fno-exceptions, and no -fwasm-exceptions or -mexception-handling; Rust: -C panic=abort.',
    ],
    [/multi-memory|second memory/, 'Leave out -mmultimemory: a kernel has one memory.'],
    [/64 bits/, 'Build it for wasm32, not for wasm64.'],
    [/tail calls/, 'clang: -mno-tail-call.'],
    [
      /GC|typed function/,
      'Languages with a collector of their own (Kotlin, Dart, Java) cannot be kernels yet.',
    ],
    [/constant expression/, 'clang: -mno-extended-const, and link without -pie or --shared.'],
    [
      always,
      'Build it with fewer features: clang -mcpu=mvp, Rust -C target-cpu=mvp, and simd128 if you like.',
    ],
  ],
  start_forbidden: [
    [
      always,
      'AssemblyScript: --exportStart _start. clang: leave out -pthread and -Wl,--shared-memory.',
    ],
  ],
  table_mutation_forbidden: [
    [
      always,
      'clang: -mno-reference-types; do not load code while running (dlopen, --growable-table).',
    ],
  ],
  import_forbidden: [
    [
      // The names of both modules that are allowed are in every such sentence, without a dot.
      /wasi_snapshot_preview1\.|wasi_unstable|wasi_snapshot_preview2/,
      'Build it for wasm32-wasip1 with a current wasi-libc or Rust.',
    ],
    [
      /the (memory|table|global) /,
      'A kernel brings its own: leave out --import-memory and --import-table.',
    ],
    [/manyhands\./, 'Besides progress(f64) and checkpoint() there is nothing (docs/KERNELS.md).'],
    [/wasi:/, 'Build it for WASI preview 1, without a component.'],
    [
      /env\.(abort|seed|trace|console)/,
      'AssemblyScript: build it with `manyhands kernel build`, or --use abort=… .',
    ],
    [
      /env\.emscripten|env\.__syscall|env\.invoke/,
      'Emscripten: -sSTANDALONE_WASM, or build it with wasi-libc instead.',
    ],
    [/wbindgen/, 'wasm-bindgen is for browsers: build it as a program for wasm32-wasip1.'],
    [always, 'Link what defines it: clang without -Wl,--allow-undefined tells what is missing.'],
  ],
  import_signature: [[always, 'Declare it as wasi/api.h does, or leave that to wasi-libc.']],
  export_missing: [
    [
      /memory/,
      'clang: -Wl,--export-memory, and no --import-memory; AssemblyScript: no --importMemory.',
    ],
    [/step/, 'Declare it as int32_t step(void).'],
    [
      always,
      'clang: a main function and no -mexec-model=reactor or -nostartfiles; Rust: a program (main.rs), not a library; AssemblyScript: --exportStart _start.',
    ],
  ],
  export_reserved: [
    [always, 'Send the module as it was before it was metered; name your own exports otherwise.'],
  ],
  memory_over_limit: [
    [
      always,
      'Raise limits.memoryBytesMax of the job (--memory-max here), or begin with less: clang -Wl,--initial-memory=…, AssemblyScript --initialMemory.',
    ],
  ],
  checkpoint_impossible: [
    [
      /step/,
      'Let the kernel call manyhands.checkpoint() about once a second, or export step() (docs/KERNELS.md); or leave "migratable" out of the job.',
    ],
    [
      /Binaryen/,
      'Build it with plainer code (clang -O1, no SIMD), or export step(), which needs no preparation (docs/KERNELS.md).',
    ],
    [/segment/, 'clang: -mno-bulk-memory, and no -pthread; or leave "migratable" out of the job.'],
    [always, 'Keep such values in memory; or leave "migratable" out of the job.'],
  ],
  limit_exceeded: [
    [
      /The module has/,
      'Strip it (-Wl,--strip-all, Rust -C strip=symbols), and give data as files.',
    ],
    [
      /lead to checkpoint/,
      'Call checkpoint() in few places, best in the loop of main, and through no function pointer; or export step(), which needs no preparation (docs/KERNELS.md).',
    ],
    [
      /Function \d+ has/,
      'Split that function, or build with -Os or -fno-inline; tables of data in it belong into memory.',
    ],
    [/table|element/, 'Use fewer function pointers: link with -Wl,--gc-sections.'],
    [/parameters or results/, 'Hand over a pointer to a struct instead.'],
    [
      /in all functions|; at most \d+\.$/,
      'Make the program smaller: -Os and -Wl,--gc-sections; Rust opt-level = "z" and lto = true; or leave libraries out.',
    ],
    [
      /nest deeper/,
      'Keep large arrays in memory instead of on the stack, or build with -fno-inline.',
    ],
    [
      always,
      'Split the function that stands there, or build with -Os or -fno-inline: no usual program needs as many.',
    ],
  ],
};

export const changeLines = (reason: RefusalReason): string[] =>
  changes[reason].map(([, change]) => change);

/** The first line that fits; the last of each reason always does. */
export function changeFor(reason: RefusalReason, detail: string): string {
  return changes[reason].find(([says]) => says.test(detail))?.[1] ?? '';
}
