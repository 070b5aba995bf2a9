import type { UnitCredit } from '../../protocol/http.ts';
import { badUsage, command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { formatCount } from '../format.ts';
import { openGrid } from '../grid.ts';
import { onStdout, plainText, print, printJson } from '../terminal.ts';

export const why = () =>
  command('why', 'Ask why a job, a unit or a host waits, or what a unit was paid.', [
    'manyhands why j0123456789abcdef',
    'manyhands why j0123456789abcdef/17',
    'manyhands why h0123456789abcdef --json | jq -r .reason',
    'manyhands why credit j0123456789abcdef/17',
  ])
    .argument('<id>', 'of a job or a host; a unit is its job’s id, a slash, its index')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (id, { json, ...options }) => {
      const found = await openGrid(options).why(pathOf(id));
      if (json) {
        printJson(found);
        return;
      }
      print(`${onStdout.bold(found.reason)}: ${found.sentence}`);
      if (found.detail !== '') print(onStdout.dim(plainText(found.detail)));
    })
    .addCommand(credit());

function pathOf(id: string): string {
  if (id.includes('/')) {
    const { jobId, unit } = parseUnit(id);
    return `/v1/jobs/${encodeURIComponent(jobId)}/units/${unit}`;
  }
  return `/v1/${id.startsWith('h') ? 'hosts' : 'jobs'}/${encodeURIComponent(id)}`;
}

const credit = () =>
  command('credit', 'Explain what a unit was paid: by which rule, to whom, by which entry.', [
    'manyhands why credit j0123456789abcdef/17',
    'manyhands why credit j0123456789abcdef/17 --json',
  ])
    .argument('<unit>', 'the job’s id and the unit’s index, with a slash between')
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(async (text, { json, ...options }) => {
      const { jobId, unit } = parseUnit(text);
      const found = await openGrid(options).unitCredit(jobId, unit);
      if (json) {
        printJson(found);
        return;
      }
      for (const [label, line] of linesOf(found)) {
        print(`${onStdout.dim(label.padEnd(9))} ${line}`);
      }
    });

function parseUnit(text: string): { jobId: string; unit: number } {
  const [, jobId, unit] = /^([^/]+)\/([0-9]{1,13})$/.exec(text) ?? [];
  if (jobId !== undefined && unit !== undefined) return { jobId, unit: Number(unit) };
  throw badUsage(
    `"${text}" names no unit.`,
    'a job’s id and an index are expected',
    'write it like j0123456789abcdef/17',
  );
}

const meanings: Record<UnitCredit['state'], string> = {
  undecided: 'nothing was paid yet: the unit has no canonical result',
  failed: 'nothing was paid: the unit has failed',
  due: 'it is being paid at this moment',
  pending: 'paid, and pending until its hold is over',
  available: 'paid for good: it may be spent',
  revoked: 'it was paid, and taken back when the result proved wrong',
};

function linesOf(found: UnitCredit): [string, string][] {
  const { jobId, unit, fuel, fuelPerMicro, creditMicro, accountId, hostId, paid, disproved } =
    found;
  const lines: [string, string][] = [
    ['unit', `${unit} of ${jobId}`],
    ['state', meanings[found.state]],
  ];
  if (accountId === null) return lines;
  lines.push(
    ['fuel', `${formatCount(BigInt(fuel))}, of the canonical result`],
    ['rate', `1 microcredit for ${formatCount(BigInt(fuelPerMicro))} fuel, rounded down`],
    ['credit', `${formatCount(BigInt(creditMicro))} microcredit`],
    ['account', `${accountId}, with host ${hostId}`],
  );
  if (disproved !== undefined) {
    lines.push(['before', `${disproved.accountId}, which was proven wrong and paid nothing`]);
  }
  if (paid === null) return lines;
  const [from, to] = paid.entries;
  lines.push(
    ['entry', from === to ? `${from} of the ledger` : `one of ${from} to ${to} of the ledger`],
    ['receipt', `number ${paid.receipt} of the account`],
    ['granted', new Date(paid.at).toLocaleString('sv')],
    ['final by', `${new Date(paid.finalBy).toLocaleString('sv')}, at the latest`],
  );
  return lines;
}
