import { act } from '../act.ts';
import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { openGrid } from '../grid.ts';
import { printTable } from '../table.ts';
import { printJson, say } from '../terminal.ts';

const example = 'sha256:22165633b3f86665c728e6f2af282abf353afbac3c9515114930243580fd4973';

export const disable = () =>
  act('disable', {
    about: 'Stop a kernel on a grid: its jobs pause, none can be submitted.',
    examples: ['manyhands kernel disable "$DIGEST" --reason "mines coins"'],
    argument: ['digest', 'the SHA-256 of the kernel, submitted or metered'],
    more: `A digest is written like\n  ${example}\nWhat runs of it is taken back from the volunteers at once.`,
    run: (grid, digest, reason) => grid.switchKernel(digest, 'disable', reason),
    tell: (_, digest, grid) =>
      `Disabled. \`${grid.hint(`kernel enable ${digest}`)}\` lets its jobs go on.`,
  });

export const enable = () =>
  command('enable', 'Let a disabled kernel run again; its paused jobs go on.', [
    'manyhands kernel enable "$DIGEST"',
  ])
    .argument('<digest>', 'the SHA-256 of the kernel')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (digest, { json, ...options }) => {
      const kernels = await openGrid(options).switchKernel(digest, 'enable', '');
      if (json) printJson(kernels);
      say('Enabled: its jobs go on, but for those that somebody paused.');
    });

export const disabled = () =>
  command('disabled', 'List the kernels that are disabled on a grid.', [
    'manyhands kernel disabled',
  ])
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async ({ json, ...options }) => {
      const kernels = await openGrid(options).disabledKernels();
      if (json) {
        printJson(kernels);
        return;
      }
      if (kernels.length === 0) {
        say('No kernel is disabled.');
        return;
      }
      printTable(kernels, [
        { title: 'KERNEL', cell: (row) => row.digest },
        { title: 'SINCE', cell: (row) => new Date(row.since).toLocaleString('sv') },
        { title: 'REASON', cell: (row) => row.reason },
      ]);
    });
