import { resolve } from 'node:path';
import { command, jsonOption, reasonOption } from '../command.ts';
import { formatCount } from '../format.ts';
import { storageFailure } from '../storage-failure.ts';
import { printJson, say } from '../terminal.ts';

export const restore = () =>
  command('restore', 'Make a data folder out of a backup.', [
    'manyhands restore /backup/2026-11-23 --data /var/lib/manyhands',
  ])
    .argument('<backup>', 'the folder of a backup that was finished')
    .requiredOption('--data <dir>', 'where to: a folder that is not there yet, or is empty')
    .addOption(reasonOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Every file is compared with its digest, then the grid is opened once. When
something is wrong, nothing is left in the folder. Afterwards
manyhands coordinator --data DIR goes on from the moment of the backup:
hosts and tokens are known; what was acknowledged later is computed again.
Never run the old grid and the restored one at once: they are the same grid.`,
    )
    .action(async (source, { data, reason, json }) => {
      const { restoreBackup } = await import('../../coordinator/backup/restore.ts');
      const parts = { source: resolve(source), dataDir: resolve(data), reason, now: Date.now() };
      try {
        const facts = await restoreBackup({ ...parts, log: say });
        if (json) printJson({ folder: parts.dataDir, ...facts });
        const { takenAt, files, bytes } = facts;
        say(`Restored ${formatCount(files)} files, ${formatCount(bytes)} bytes, as of ${takenAt}.`);
        const place = facts.artifacts === undefined ? '' : ` --artifacts ${facts.artifacts}`;
        say(`Start it with: manyhands coordinator --data ${parts.dataDir}${place}`);
      } catch (error) {
        throw storageFailure(error);
      }
    });
