/**
 * Makes the kernel of a migratable job: one that can be saved on one host and go on elsewhere. The
 * cheapest way that the module offers is taken:
 *
 *   it exports step()                  saved between its steps, at no cost
 *   it imports manyhands.checkpoint    Asyncify lets it be saved within its calls, at some cost
 *   neither                            refused: its job would be called migratable and not be
 */
import { decodeModule } from '../meter/decode.ts';
import { KernelRefused, type MeteredKernel, type MeterOptions, meterKernel } from '../meter.ts';
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
  if (!imports.some(({ module, name }) => module === 'manyhands' && name === 'checkpoint'))
    throw new KernelRefused(
      'checkpoint_impossible',
      'It can be saved nowhere: it neither exports step() nor calls manyhands.checkpoint().',
      0,
    );
  // Binaryen does not say what it finds wrong, it ends; the engine does.
  if (!WebAssembly.validate(new Uint8Array(metered.wasm)))
    throw new KernelRefused('malformed', 'its types do not fit', 0);
  admitToAsyncify(module);
  // Half a second and 100 MB to load: only for those who need it.
  const { asyncifyKernel } = await import('./asyncify.ts');
  return { ...metered, wasm: asyncifyKernel(metered.wasm) };
}
