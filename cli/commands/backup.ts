import { join, resolve } from 'node:path';
import { Option } from '@commander-js/extra-typings';
import {
  ask,
  type ClusterConnection,
  type RedisConnection,
  type SentinelConnection,
  serverInfo,
} from '../../coordinator/redis/connection.ts';
import { openRedis } from '../../coordinator/redis/open.ts';
import { lastConnection } from '../../coordinator/redis/settings.ts';
import { parseRedisUrl } from '../../coordinator/redis/url.ts';
import { command, jsonOption, reasonOption } from '../command.ts';
import { coordinatorFolder } from '../folders.ts';
import { formatCount } from '../format.ts';
import { packageVersion } from '../package-root.ts';
import { storageFailure } from '../storage-failure.ts';
import { printJson, say } from '../terminal.ts';

export const backup = () =>
  command('backup', 'Back a grid up into a folder, while it runs.', [
    'manyhands backup /backup/2026-11-23',
    'manyhands backup /backup/today --data /var/lib/manyhands',
    'manyhands backup /backup/today --redis redis://10.0.0.5:6379',
  ])
    .argument('<folder>', 'where to: a folder that is not there yet, or is empty')
    .addOption(
      new Option('--data <dir>', 'the data folder of the coordinator')
        .env('MANYHANDS_DATA')
        .default(coordinatorFolder, 'a folder of yours'),
    )
    .addOption(
      new Option('--redis <url>', 'its Redis, if that is not its own').env('MANYHANDS_REDIS_URL'),
    )
    .addOption(
      new Option('--shared-folder <dir>', 'the folder that its coordinators share').env(
        'MANYHANDS_SHARED_FOLDER',
      ),
    )
    .addOption(reasonOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Everything is in it that was acknowledged before it began: jobs, results,
outputs, the ledger and its history, tokens and keys. It holds secrets, so
only you can read it. SHA256SUMS lists every file; check it with
sha256sum -c SHA256SUMS. A folder without backup.json was not finished.
The grid may run meanwhile, or not. It is run on the coordinator's machine.`,
    )
    .action(async (folder, { data, redis, sharedFolder, reason, json }) => {
      const { takeBackup } = await import('../../coordinator/backup/take.ts');
      const dataDir = resolve(data);
      try {
        const reached = await reach(dataDir, redis);
        try {
          const target = resolve(folder);
          const { connection } = reached;
          const parts = { dataDir, redis: connection, target, reason, version: packageVersion };
          const shared = sharedFolder === undefined ? {} : { sharedDir: resolve(sharedFolder) };
          const facts = await takeBackup({ ...parts, ...shared, now: Date.now() });
          if (json) printJson({ folder: target, ...facts });
          const { files, bytes, artifacts } = facts;
          if (artifacts !== undefined)
            say(`Its artifacts stay in ${artifacts}: see that they are kept there as well.`);
          say(`Backed up: ${formatCount(files)} files, ${formatCount(bytes)} bytes, in ${target}.`);
        } finally {
          await reached.close();
        }
      } catch (error) {
        throw storageFailure(error);
      }
    });

/** The grid's Redis. Its own one runs with the coordinator; when that is down, it is started for a while. */
async function reach(
  dataDir: string,
  url: string | undefined,
): Promise<{
  connection: RedisConnection | ClusterConnection | SentinelConnection;
  close(): Promise<void>;
}> {
  const known =
    url === undefined ? await lastConnection(join(dataDir, 'redis')) : parseRedisUrl(url);
  // Whoever backs up looks for their servers.
  if (known !== undefined && ('cluster' in known || 'sentinels' in known))
    return { connection: known, close: async () => {} };
  if (known !== undefined) {
    const answers = await ask(known, serverInfo).then(
      () => true,
      () => false,
    );
    if (answers || url !== undefined) return { connection: known, close: async () => {} };
  }
  return await openRedis({ dataDir, log: say });
}
