import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { runLimitsSchema } from '../../protocol/job.ts';
import { limits } from '../../protocol/limits.ts';
import type { SandboxEnd } from '../../worker/sandbox/sandbox.ts';
import { badUsage, command, nansOption, wholeNumber } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { cannotWrite, readBytes } from '../files.ts';
import { writeGuestFiles } from '../guest-files.ts';
import { runKernelHere } from '../run-kernel.ts';
import { awaitStop } from '../stop-signal.ts';
import { printInFull } from '../terminal.ts';

/** What a job has that says nothing of its limits. */
const usual = runLimitsSchema.parse({});
/** Everything the kernel writes is wanted here; /out is there because jobs write to it. */
const everything = ['/**', '/out/*'];

export const run = () =>
  command('run', 'Run one kernel here, in the very sandbox that volunteers use.', [
    'manyhands run kernel.wasm -- --exponent 31',
    'manyhands run kernel.wasm --stdin input.txt --report report.json > output.txt',
    'manyhands run scan.wasm --file /data/in.fil=./28.fil --out found/ -- -v',
  ])
    .argument('<kernel>', 'a WebAssembly module, WASI preview 1')
    .argument('[args...]', 'its arguments, after --')
    .option('--argv0 <name>', 'the name that the kernel is called by', 'kernel')
    .option('--stdin <file>', 'its standard input; - is ours (default: empty)')
    .option('--file <guest=host>', 'a file it finds, like /data/x=./x; repeatable', collect)
    .option(
      '--env <k=v>',
      'a variable it finds, like MANYHANDS_UNIT_INDEX=0 as in a unit; repeatable',
      collect,
    )
    .option('--out <dir>', 'where the files it writes go (default: nowhere)')
    .option(
      '--fuel-max <n>',
      'weighted instructions',
      wholeNumber('--fuel-max', 1, limits.fuelMax),
      Number(usual.fuelMax),
    )
    .option(
      '--memory-max <bytes>',
      'its memory',
      wholeNumber('--memory-max', 1, limits.memoryBytesMax),
      usual.memoryBytesMax,
    )
    .option(
      '--output-max <bytes>',
      'stdout and files together',
      wholeNumber('--output-max', 1, limits.outputBytesMax),
      usual.outputBytesMax,
    )
    .addOption(nansOption())
    .option('--migratable', 'prepare it to be saved, as for a migratable job')
    .option('--report <file>', 'how it ended, as JSON')
    .addHelpText(
      'after',
      `
The kernel's stdout, stderr and exit code are those of this command. When it
does not come to an exit (kernel_trap, fuel_exhausted, …) the exit code is 9
and stderr names the outcome.`,
    )
    .action(async (kernel, args, options) => {
      const wasm = await readBytes(kernel);
      const stop = awaitStop();
      const aborting = new AbortController();
      let stoppedBy: string | null = null;
      void stop.first.then((signal) => {
        stoppedBy = signal;
        aborting.abort();
      });
      const end = await runKernelHere(
        wasm,
        {
          args: [options.argv0, ...args],
          env: Object.fromEntries((options.env ?? []).map((pair) => split('--env', pair))),
          stdin: await readStdin(options.stdin),
          files: await readFiles(options.file ?? []),
          outputs: everything,
          fuelMax: options.fuelMax,
          memoryBytesMax: options.memoryMax,
          nans: options.nans,
          isMigratable: options.migratable ?? false,
          outputBytesMax: options.outputMax,
          wallMsMax: usual.wallMsMax,
        },
        aborting.signal,
      );
      stop.close();
      process.stderr.write(end.stderr);
      await printInFull(end.stdout);
      if (options.out !== undefined) await writeGuestFiles(options.out, end.files);
      if (options.report !== undefined) await writeReport(options.report, end);
      finish(end, stoppedBy);
    });

function finish({ outcome, exitCode, detail }: SandboxEnd, stoppedBy: string | null): void {
  if (outcome === 'aborted' && stoppedBy !== null) {
    process.exitCode = stoppedBy === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
  } else if (exitCode === null) {
    throw new Failure('kernel_outcome', `The run ended as ${outcome}.`, {
      why: detail || 'the sandbox did not say more',
      remedy: remedies[outcome] ?? 'mend the kernel, or give it other input',
    });
  }
  // The system keeps eight bits of a code; none of them may turn a failure into a success.
  else process.exitCode = exitCode === 0 ? 0 : exitCode & 0xff || 1;
}

const remedies: Partial<Record<SandboxEnd['outcome'], string>> = {
  fuel_exhausted: 'raise --fuel-max if it was right to run this long',
  memory_exceeded: 'raise --memory-max if it needs that much',
  output_exceeded: 'raise --output-max if it is to write that much',
  host_error: 'this machine could not run it: see why',
};

async function writeReport(path: string, end: SandboxEnd): Promise<void> {
  const { outcome, exitCode, fuel, stdout, files, wallMs, detail } = end;
  const report = {
    outcome,
    exitCode,
    fuel: String(fuel),
    stdoutSha256: sha256(stdout),
    files: Object.fromEntries(
      Object.entries(files).map(([guest, bytes]) => [
        guest,
        { bytes: bytes.length, sha256: sha256(bytes) },
      ]),
    ),
    wallMs,
    detail,
  };
  await writeFile(path, `${JSON.stringify(report)}\n`).catch((error) => {
    throw cannotWrite(path, error);
  });
}

async function readStdin(file: string | undefined): Promise<Uint8Array> {
  if (file === undefined) return new Uint8Array();
  return file === '-' ? await buffer(process.stdin) : await readBytes(file);
}

async function readFiles(pairs: readonly string[]): Promise<Record<string, Uint8Array>> {
  const files: [string, Uint8Array][] = [];
  for (const pair of pairs) {
    const [guest, host] = split('--file', pair);
    if (!guest.startsWith('/') || guest.split('/').includes('..')) {
      throw badUsage(
        `"${guest}" is no path in the kernel's world.`,
        'a guest path begins with / and has no ..',
        'write it like --file /data/input.bin=./input.bin',
      );
    }
    files.push([guest, await readBytes(host)]);
  }
  return Object.fromEntries(files);
}

/** At the first =, as what follows may have more of them. */
function split(option: string, pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw badUsage(`"${pair}" does not do for ${option}.`, 'a = is missing', `write ${option} A=B`);
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
