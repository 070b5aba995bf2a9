/**
 * The kernels that were compiled, by digest; the one unused for longest makes room. The browser
 * compiles in the background, and a compiled module is posted to a thread without being copied.
 */
import type { SandboxKernel } from '../sandbox.ts';

/** A browser serves a few jobs at a time; compiled code is some ten times the kernel's size. */
const kernelsKept = 16;

export class CompiledKernels {
  /** In the order of last use, as a Map keeps the order of insertion. */
  readonly #modules = new Map<string, Promise<WebAssembly.Module>>();

  /** Rejects for bytes that do not compile, or for want of memory: the next use tries again. */
  compile({ digest, wasm }: SandboxKernel): Promise<WebAssembly.Module> {
    const module = this.#modules.get(digest) ?? this.#begin(digest, wasm);
    this.#modules.delete(digest);
    this.#modules.set(digest, module);
    const [oldest] = this.#modules.keys();
    // Runs under way keep their module.
    if (this.#modules.size > kernelsKept && oldest !== undefined) this.#modules.delete(oldest);
    return module;
  }

  #begin(digest: string, wasm: Uint8Array): Promise<WebAssembly.Module> {
    const module = WebAssembly.compile(wasm);
    module.catch(() => {
      if (this.#modules.get(digest) === module) this.#modules.delete(digest);
    });
    return module;
  }
}
