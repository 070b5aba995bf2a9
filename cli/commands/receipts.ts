import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import { signedRequest } from '../account-key.ts';
import { badUsage, command, jsonOption, urlOption } from '../command.ts';
import { cannotRead, cannotWrite } from '../files.ts';
import { workerFolder } from '../folders.ts';
import { formatCount, formatCredit, formatUnits } from '../format.ts';
import { openGrid } from '../grid.ts';
import { openHttp } from '../http.ts';
import { linesOf } from '../lines.ts';
import { checkReceipts } from '../receipts.ts';
import { print, printInFull, printJson, say } from '../terminal.ts';

const path = '/v1/receipts';

export const receipts = () =>
  command('receipts', 'Download signed receipts for the credit this machine’s account has.', [
    'manyhands receipts --out receipts.jsonl',
    'manyhands receipts --url https://grid.example.org > receipts.jsonl',
    'manyhands receipts verify receipts.jsonl',
  ])
    .option('--out <file>', 'write into this file instead of to stdout')
    .addOption(
      new Option('--data <dir>', 'the folder of the worker, which has the account’s key').default(
        workerFolder,
        'a folder of yours',
      ),
    )
    .addOption(urlOption())
    .addHelpText(
      'after',
      `
Receipts name every unit that was paid, or taken back. Each names the hash of
the one before, and the grid signs the last: nobody can change them later.`,
    )
    .action(async ({ url, data, out }) => {
      const { gridId } = await openGrid({ url }).grid();
      const authorization = await signedRequest(resolve(data), gridId, 'GET', path);
      const pieces = openHttp(url, null).stream(path, { authorization });
      if (out === undefined) {
        for await (const piece of pieces) await printInFull(piece);
        return;
      }
      const file = await open(out, 'w').catch((error) => {
        throw cannotWrite(out, error);
      });
      try {
        // Not write(): on a disk that is nearly full it takes a part, and calls that a success.
        for await (const piece of pieces) await file.writeFile(piece);
        await file.sync();
      } finally {
        await file.close();
      }
      say(`The receipts are in ${out}.`);
      say(`Check them: manyhands receipts verify ${out} --url ${url}`);
    })
    .addCommand(verify());

const verify = () =>
  command('verify', 'Check a file of receipts against the grid’s public key.', [
    'manyhands receipts verify receipts.jsonl',
    'manyhands receipts verify receipts.jsonl --key a5RnpPQkFr0O4tBmcl5u3_…',
  ])
    .argument('<file>', 'what `manyhands receipts` has written')
    .option('--key <key>', 'the grid’s public key; then nobody is asked', parseKey)
    .addOption(urlOption())
    .addOption(jsonOption())
    .action(async (file, { key, url, json }) => {
      const publicKey = key ?? parseKey((await openGrid({ url }).grid()).publicKey);
      const checked = await checkReceipts(linesOf(bytesOf(file)), publicKey);
      if (json) {
        printJson(checked);
        return;
      }
      const { accountId, receipts, units, creditMicro } = checked;
      print(`${formatCredit(creditMicro)} credits for ${formatUnits(units)} to ${accountId}`);
      const all = receipts === 1 ? '1 receipt, as' : `${formatCount(receipts)} receipts, all as`;
      print(`${all} the grid signed ${receipts === 1 ? 'it' : 'them'} on ${checked.signedAt}`);
    });

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
}

function parseKey(text: string): Uint8Array {
  const key = Buffer.from(text, 'base64url');
  if (key.length === 32) return key;
  throw badUsage(
    `"${text}" is no public key of a grid.`,
    '43 characters of base64url are expected',
    'GET /v1/grid has it as publicKey',
  );
}
