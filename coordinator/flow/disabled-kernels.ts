/** Which kernels may not run here, and why. */
import type { DisabledKernel } from '../../protocol/operation.ts';
import type { Context } from './context.ts';

export async function listDisabledKernels(context: Context): Promise<DisabledKernel[]> {
  const disabled = await context.store.registry.disabledKernels();
  return [...disabled].map(([digest, { reason, since }]) => ({
    digest,
    reason,
    since: new Date(since).toISOString(),
  }));
}
