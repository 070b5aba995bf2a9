/**
 * Which kernels the sandbox process has compiled. The agent keeps the list, so that a kernel's bytes
 * cross over once and no answer has to be waited for; the one unused for longest makes room.
 */
import type { SandboxKernel } from '../sandbox.ts';
import type { ToProcess } from './messages.ts';

/** A worker serves a few jobs at a time; compiled code is some ten times the kernel's size. */
const kernelsKept = 16;

export class LoadedKernels {
  /** In the order of last use, as a Set keeps the order of insertion. */
  readonly #digests = new Set<string>();

  /** What to say to the process before it can run this kernel. */
  use(kernel: SandboxKernel): ToProcess[] {
    const { digest, wasm } = kernel;
    const messages: ToProcess[] = [];
    if (!this.#digests.delete(digest)) messages.push({ kind: 'load', digest, wasm });
    this.#digests.add(digest);
    // Runs under way keep their module: a kernel can be unloaded while it runs.
    const [oldest] = this.#digests;
    if (this.#digests.size > kernelsKept && oldest !== undefined) {
      this.#digests.delete(oldest);
      messages.push({ kind: 'unload', digest: oldest });
    }
    return messages;
  }
}
