/**
 * Where `npm run build` puts the kernel of a built-in job: beside the compiled definition. Tests
 * import definitions as TypeScript sources; from there it is the same place under dist/.
 */
import { existsSync } from 'node:fs';

export function builtKernel(definitionUrl: string): URL {
  const beside = new URL('./kernel.wasm', definitionUrl);
  if (existsSync(beside)) return beside;
  const folder = new URL('.', definitionUrl).pathname.split('/').at(-2);
  return new URL(`../../dist/jobs/${folder}/kernel.wasm`, definitionUrl);
}
