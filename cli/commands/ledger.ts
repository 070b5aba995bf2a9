import { createHash } from 'node:crypto';
import { LedgerFlaw, LedgerReplay } from '../../coordinator/domain/ledger-replay.ts';
import { entrySchema, type LedgerEnd, ledgerEndSchema } from '../../protocol/ledger.ts';
import { command, jsonOption, tokenFileOption, urlOption } from '../command.ts';
import { Failure } from '../failure.ts';
import { formatCount, formatCredit } from '../format.ts';
import { openGrid } from '../grid.ts';
import { linesOf, parseJson } from '../lines.ts';
import { print, printInFull, printJson } from '../terminal.ts';

export const ledger = () =>
  command('ledger', 'Read the grid’s ledger, and check every entry of it.', [
    'manyhands ledger verify',
    'manyhands ledger show | tail -n 3',
  ])
    .addCommand(verify())
    .addCommand(show());

const verify = () =>
  command('verify', 'Replay the ledger and check all that it promises.', [
    'manyhands ledger verify',
    'manyhands ledger verify --url https://grid.example.org --json',
  ])
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Checked are: each entry's number, hash and time; that it sums to zero and
overdraws nobody; that no unit is paid twice to an account, nothing is taken
back that was not given, no hold ends early, no outbox record is left out; and
that the balances are what the entries add up to.`,
    )
    .action(async ({ json, ...options }) => {
      const replay = new LedgerReplay();
      const end = await replayAll(replay, openGrid(options).ledger());
      const minted = -BigInt(end.end.balances['mint'] ?? 0);
      const found = {
        entries: replay.number,
        hash: replay.hash,
        accounts: Object.keys(end.end.balances).length,
        units: replay.units,
        mintedMicro: minted.toString(),
      };
      if (json) printJson({ ok: true, ...found });
      else {
        print(
          `${formatCount(found.entries)} entries, all in order; the last has hash ${found.hash}`,
        );
        const credits = formatCredit(found.mintedMicro);
        print(`${credits} credits minted for ${formatCount(found.units)} paid units`);
        print(`${formatCount(found.accounts)} accounts stand as their entries add up`);
      }
    });

const show = () =>
  command('show', 'Print the ledger: one entry a line, then the balances.', [
    'manyhands ledger show > ledger.jsonl',
    'manyhands ledger show | tail -n 1 | jq .end.balances',
  ])
    .addOption(urlOption())
    .addOption(tokenFileOption())
    .action(async (options) => {
      for await (const piece of openGrid(options).ledger()) await printInFull(piece);
    });

async function replayAll(
  replay: LedgerReplay,
  pieces: AsyncIterable<Uint8Array>,
): Promise<LedgerEnd> {
  try {
    for await (const line of linesOf(pieces)) {
      const value = parseJson(line);
      const end = ledgerEndSchema.safeParse(value);
      if (end.success) {
        replay.finish(end.data);
        return end.data;
      }
      const entry = entrySchema.safeParse(value);
      if (!entry.success)
        throw new LedgerFlaw(`after entry ${replay.number}: ${line.slice(0, 80)}`);
      replay.add(entry.data, createHash('sha256').update(line).digest('hex'));
    }
    throw new LedgerFlaw(`it breaks off after entry ${replay.number}`);
  } catch (error) {
    if (!(error instanceof LedgerFlaw)) throw error;
    throw new Failure('ledger_broken', 'The ledger is not in order.', {
      why: error.message,
      remedy: 'stop the coordinator, keep its data folder as it is, and report this',
    });
  }
}
