/** What is answered for a run that the kernel did not bring to an end: outcomes of this host's. */
import type { SandboxRun, UnitEnd } from './sandbox.ts';

const none = new Uint8Array(0);
const noEnd = (outcome: UnitEnd['outcome'], detail: string): UnitEnd => ({
  outcome,
  exitCode: null,
  fuel: 0,
  stdout: none,
  stderr: none,
  files: {},
  detail,
});

export const aborted = noEnd('aborted', 'The run was aborted.');

export const overTime = (run: SandboxRun): UnitEnd =>
  noEnd(
    'time_exceeded',
    `The run took longer on this host than limits.wallMsMax, ${run.wallMsMax} ms.`,
  );

export const cannotGoOn = (error: unknown): UnitEnd =>
  noEnd('host_error', `This host cannot go on with the run: ${String(error)}.`);

export const processDied = (reason: string): UnitEnd =>
  noEnd('host_error', `The sandbox process died: ${reason}.`);

export const threadFailed = (error: unknown): UnitEnd =>
  noEnd('host_error', `This host's sandbox could not run the kernel: ${String(error)}.`);
