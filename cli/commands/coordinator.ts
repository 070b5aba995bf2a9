import { Option } from '@commander-js/extra-typings';
import { S3Unusable } from '../../coordinator/artifacts/s3-unusable.ts';
import { FolderMismatch } from '../../coordinator/shared-folder.ts';
import { GridOwned } from '../../coordinator/sole-coordinator.ts';
import { limits } from '../../protocol/limits.ts';
import { startAnchor } from '../anchor.ts';
import { command, wholeNumber } from '../command.ts';
import { checkConfig, type GivenConfig } from '../coordinator-config.ts';
import { Failure } from '../failure.ts';
import { coordinatorFolder, noteCoordinator } from '../folders.ts';
import { awaitStop } from '../stop-signal.ts';
import { storageFailure } from '../storage-failure.ts';
import { isLive, print, say } from '../terminal.ts';

export const coordinator = () =>
  command('coordinator', 'Run the coordinator of a grid, with a Redis of its own.', [
    'manyhands coordinator',
    'manyhands coordinator --host 0.0.0.0 --port 80 --data /var/lib/manyhands',
    'manyhands coordinator --redis redis://10.0.0.5:6379',
    'manyhands coordinator --redis redis-cluster://10.0.0.5:7000,10.0.0.6:7000',
    'manyhands coordinator --redis redis://10.0.0.5:6379 --shared-folder /mnt/grid',
    'manyhands coordinator --artifacts s3://my-bucket/grid',
    'manyhands coordinator --anchor',
  ])
    .addOption(
      new Option('--port <port>', 'where to listen; 0 picks a free one')
        .env('MANYHANDS_PORT')
        .default('7700'),
    )
    .addOption(
      new Option('--host <host>', 'on which address; 0.0.0.0 is all of them')
        .env('MANYHANDS_HOST')
        .default('127.0.0.1'),
    )
    .addOption(
      new Option('--data <dir>', 'where it keeps what must last')
        .env('MANYHANDS_DATA')
        .default(coordinatorFolder, 'a folder of yours'),
    )
    .addOption(
      new Option('--redis <url>', 'use this Redis, or this cluster, instead of an own one').env(
        'MANYHANDS_REDIS_URL',
      ),
    )
    .addOption(
      new Option(
        '--shared-folder <dir>',
        'with --redis: a folder that several coordinators share',
      ).env('MANYHANDS_SHARED_FOLDER'),
    )
    .addOption(
      new Option(
        '--artifacts <url>',
        'keep kernels, inputs and large outputs in S3: s3://BUCKET/PREFIX',
      ).env('MANYHANDS_ARTIFACTS'),
    )
    .option(
      '--anchor [cores]',
      'also run a worker here that settles what strangers dispute (on one core)',
      wholeNumber('--anchor', 1, limits.coresMax),
    )
    .addOption(
      new Option('--log-level <level>', 'how much it logs to stderr, as JSON')
        .env('MANYHANDS_LOG_LEVEL')
        .default(isLive(process.stderr) ? 'warn' : 'info', 'info; warn on a terminal'),
    )
    .addHelpText(
      'after',
      `
When it is ready it prints one line on stdout: ready http://HOST:PORT
SIGTERM or Ctrl-C drains: running requests end, everything is on disk, and
the exit code is 0. A second signal ends it at once; nothing that was
acknowledged is lost then either.
With --shared-folder several run on one Redis, each with a --data folder of its
own: volunteers may connect to any of them, and move when one goes away.
With --artifacts it finds endpoint, region and credentials where the AWS tools
do: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
With --anchor what a household computes is checked, and a young grid's first
jobs do not wait for strangers to check each other.`,
    )
    .action(async ({ anchor, ...given }, made) => {
      const nameOf = (option: keyof GivenConfig): string => {
        const found = made.options.find((one) => one.attributeName() === option);
        const isVariable = made.getOptionValueSource(option) === 'env';
        return (isVariable ? found?.envVar : found?.long) ?? option;
      };
      const config = checkConfig({ ...given, redis: given.redis }, nameOf, process.env);
      const { host, port, data, redis, sharedFolder, artifacts, logLevel } = config;
      const stop = awaitStop();
      let onLost: (error: Error) => void = () => {};
      const { startCoordinator } = await import('../../coordinator/main.ts');
      const lost = new Promise<never>((_, fail) => {
        onLost = fail;
      });
      const running = await startCoordinator({
        onLost: (error) => onLost(error),
        onWait: say,
        host,
        port,
        dataDir: data,
        logLevel,
        ...(redis === undefined ? {} : { redisUrl: redis }),
        ...(sharedFolder === undefined ? {} : { sharedDir: sharedFolder }),
        ...(artifacts === undefined ? {} : { artifacts }),
      }).catch((error) => {
        throw cannotStart(error, `${host}:${port}`);
      });
      const forget = noteCoordinator(running.url, data);
      if (running.operatorToken.fresh !== null) {
        say(`First start: the operator's token is ${running.operatorToken.fresh}`);
        say(`It is kept in ${running.operatorToken.path}; commands on this machine find it there.`);
      }
      const tokenPath = running.operatorToken.path;
      const cores = anchor === true ? 1 : anchor;
      const ownAnchor =
        cores === undefined ? null : startAnchor(running.url, { dataDir: data, tokenPath, cores });
      print(`ready ${running.url}`);
      try {
        await Promise.race([stop.first, lost]);
        say('Draining; a second signal ends it at once.');
      } catch (error) {
        throw cannotStart(error, `${host}:${port}`);
      } finally {
        forget();
        await ownAnchor?.close();
        await running.close();
      }
    });

function cannotStart(error: unknown, address: string): unknown {
  if (error instanceof GridOwned) {
    return new Failure('grid_owned', 'Another coordinator runs on this Redis.', {
      why: 'outputs are files, and one of the two was not told of a folder that they share',
      remedy:
        'give each of them the same --shared-folder, or stop the other one; if it crashed, try again in ten seconds',
      cause: error,
    });
  }
  if (error instanceof FolderMismatch) {
    return new Failure('folder_mismatch', `The files of this grid are not in ${error.folder}.`, {
      why: error.message,
      remedy: error.remedy,
      cause: error,
    });
  }
  if (error instanceof S3Unusable) {
    return new Failure('artifacts_unusable', `Artifacts cannot be kept in ${error.place}.`, {
      why: error.message,
      remedy: error.remedy,
      cause: error,
    });
  }
  if (['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes((error as { code?: string }).code ?? '')) {
    return new Failure('address_in_use', `The coordinator cannot listen on ${address}.`, {
      why: (error as Error).message,
      remedy: 'choose another --port (0 picks a free one) or --host',
      cause: error,
    });
  }
  return storageFailure(error);
}
