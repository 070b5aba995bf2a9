/**
 * Makes the kernel of a migratable job: one that can be saved on one host and go on elsewhere. The
 * cheapest way that the module offers is taken:
 *
 *   it exports step()                  saved between its steps, at no cost
 *   it imports manyhands.checkpoint    Asyncify lets it be saved within its calls, at some cost
 *   neither                            refused: its job would be called migratable and not be
 */
import { exportsAt } from '../meter/admit.ts';
import { decodeModule } from '../meter/decode.ts';
import { KernelRefused, type MeteredKernel, type MeterOptions, meterKernel } from '../meter.ts';
import { mistyped } from '../mistyped.ts';
import { admitToAsyncify } from './asyncify-size.ts';

/** Burns exactly the fuel of `meterKernel`'s. Throws `KernelRefused`. */
export async function meterMigratableKernel(
  wasm: Uint8Array,
  options: Omit<MeterOptions, 'checkpoints'>,
): Promise<MeteredKernel> {
  const module = decodeModule(wasm);
  const { exports, imports } = module;
  const metered = meterKernel(wasm, { ...options, checkpoints: true });
  if (exports.some(({ kind, name }) => kind === 'function' && name === 'step')) return metered;
  const checkpoint = imports.find(
    ({ module, name }) => module === 'manyhands' && name === 'checkpoint',
  );
  if (checkpoint === undefined)
    throw new KernelRefused(
      'checkpoint_impossible',
      'It can be saved nowhere: it neither exports step() nor calls manyhands.checkpoint().',
      exportsAt(module),
    );
  // Binaryen does not say what it finds wrong, it ends; the engine does.
  if (!WebAssembly.validate(new Uint8Array(metered.wasm))) throw mistyped(wasm);
  admitToAsyncify(module);
  // Half a second and 100 MB to load: only for those who need it.
  const { asyncifyKernel } = await import('./asyncify.ts');
  try {
    return { ...metered, wasm: asyncifyKernel(metered.wasm) };
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    // Of the author's module the import is what makes all that necessary.
    throw new KernelRefused(error.reason, error.detail, checkpoint.offset);
  }
}
