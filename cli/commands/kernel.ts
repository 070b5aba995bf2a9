import { writeFile } from 'node:fs/promises';
import { runLimitsSchema } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';
import { buildKernel } from '../build-kernel.ts';
import { command, jsonOption, nansOption, wholeNumber } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { cannotWrite, readBytes } from '../files.ts';
import { formatCount } from '../format.ts';
import { inspectTyped, tellInspection } from '../inspection.ts';
import { meterOrRefuse } from '../run-kernel.ts';
import { print, printJson, say } from '../terminal.ts';
import { disable, disabled, enable } from './kernel-disable.ts';

export const kernel = () =>
  command('kernel', 'Build kernels and look into them; disable them on a grid.', [
    'manyhands kernel build kernel.ts -o kernel.wasm',
    'manyhands kernel inspect kernel.wasm',
    'manyhands kernel meter kernel.wasm -o metered.wasm',
  ])
    .addCommand(build())
    .addCommand(inspect())
    .addCommand(meter())
    .addCommand(disable())
    .addCommand(enable())
    .addCommand(disabled());

const build = () =>
  command('build', 'Compile a kernel: AssemblyScript (.ts), C, C++, Rust or JavaScript.', [
    'manyhands kernel build kernel.ts -o kernel.wasm',
    'manyhands kernel build main.c -o main.wasm -- parser.c -Iinclude -DNDEBUG',
  ])
    .argument('<source>', 'the file to compile')
    .argument('[flags...]', 'for the compiler, after --: sources, definitions, …')
    .requiredOption('-o, --out <file>', 'where the WebAssembly goes')
    .action(async (source, flags, { out }) => write(out, await buildKernel(source, flags)));

const inspect = () =>
  command('inspect', 'Tell whether a module may be a kernel, and what it needs.', [
    'manyhands kernel inspect kernel.wasm',
    'manyhands kernel inspect kernel.wasm --json | jq .refusal',
  ])
    .argument('<kernel>', 'a WebAssembly module')
    .addOption(jsonOption())
    .addHelpText('after', '\nThe exit code is 2 when it may not be a kernel.')
    .action(async (path, { json }) => {
      const inspection = inspectTyped(await readBytes(path));
      if (json) printJson(inspection);
      else for (const line of tellInspection(path, inspection)) print(line);
      if (!inspection.accepted) process.exitCode = exitCodes.usage;
    });

const meter = () =>
  command('meter', 'Write the copy of a kernel that counts its fuel, as a coordinator would.', [
    'manyhands kernel meter kernel.wasm -o metered.wasm',
  ])
    .argument('<kernel>', 'a WebAssembly module, WASI preview 1')
    .requiredOption('-o, --out <file>', 'where the metered copy goes')
    .option(
      '--memory-max <bytes>',
      'the memory that it may have',
      wholeNumber('--memory-max', 1, limits.memoryBytesMax),
      runLimitsSchema.parse({}).memoryBytesMax,
    )
    .addOption(nansOption())
    .option('--migratable', 'prepare it to be saved, as for a migratable job')
    .action(async (path, { out, memoryMax: memoryBytesMax, nans, migratable = false }) => {
      const metering = { memoryBytesMax, nans, isMigratable: migratable };
      await write(out, await meterOrRefuse(await readBytes(path), metering));
    });

async function write(path: string, wasm: Uint8Array): Promise<void> {
  await writeFile(path, wasm).catch((error) => {
    throw cannotWrite(path, error);
  });
  say(`${path}: ${formatCount(wasm.length)} bytes.`);
}
