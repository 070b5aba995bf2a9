/**
 * The configuration of a coordinator, checked as a whole before anything starts: options, environment
 * variables, the data folder. Whoever got three things wrong hears of three things at once: each by the
 * name it was given under, with what was given and what is expected.
 *
 * A variable of ours that nobody knows is wrong too: MANYHANDS_REDIS instead of MANYHANDS_REDIS_URL would
 * start an empty grid beside the real one. Values that may hold a secret are not repeated.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { parseS3Place, type S3Place } from '../coordinator/artifacts/s3-place.ts';
import { RedisError } from '../coordinator/redis/error.ts';
import { parseRedisUrl } from '../coordinator/redis/url.ts';
import { Failure } from './failure.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type CoordinatorConfig = {
  port: number;
  host: string;
  data: string;
  redis: string | undefined;
  sharedFolder: string | undefined;
  artifacts: S3Place | undefined;
  logLevel: (typeof logLevels)[number];
};

/** Each option as it was given, wherever it came from. */
export type GivenConfig = Record<'port' | 'host' | 'data' | 'logLevel', string> & {
  redis: string | undefined;
  sharedFolder?: string | undefined;
  artifacts?: string | undefined;
};

/** Every variable that some command of ours reads. */
const variables = new Set(
  [
    'ARTIFACTS',
    'CACHE_DIR',
    'CHROMIUM',
    'DATA',
    'DEBUG',
    'HOST',
    'LOG_LEVEL',
    'PORT',
    'REDIS_URL',
    'SHARED_FOLDER',
    'TOKEN',
    'URL',
  ].map((name) => `MANYHANDS_${name}`),
);
/** Kubernetes sets these for a Service named manyhands. */
const serviceLink = /^MANYHANDS_(SERVICE_(HOST|PORT)|PORT_\d+_TCP)/;

/** `nameOf` tells whether an option came by flag or by variable. Throws Failure `config_invalid`. */
export function checkConfig(
  given: GivenConfig,
  nameOf: (option: keyof GivenConfig) => string,
  environment: Record<string, string | undefined>,
): CoordinatorConfig {
  const problems: string[] = [];
  const wrong = (option: keyof GivenConfig, expected: string) => {
    problems.push(`${nameOf(option)} is ${JSON.stringify(given[option])}: ${expected}`);
  };

  const port = Number(given.port);
  if (!/^\d+$/.test(given.port) || port > 65_535) {
    const link = /^tcp:\/\//.test(given.port)
      ? '; Kubernetes set this one: enableServiceLinks: false'
      : '';
    wrong('port', `a whole number from 0 to 65535 is expected${link}`);
  }
  if (isIP(given.host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(given.host))
    wrong('host', 'an address like 0.0.0.0 or ::1, or the name of this machine, is expected');
  const flaw = flawOfFolder(given.data);
  if (flaw !== null) wrong('data', flaw);
  if (given.sharedFolder !== undefined) {
    const unshared = flawOfFolder(given.sharedFolder) ?? flawOfSharing(given);
    if (unshared !== null) wrong('sharedFolder', unshared);
  }
  const artifacts = given.artifacts === undefined ? undefined : parseS3Place(given.artifacts);
  if (artifacts === null)
    problems.push(
      `${nameOf('artifacts')}: s3://BUCKET or s3://BUCKET/PREFIX is expected (it is not shown, it may hold a secret; those go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)`,
    );
  const logLevel = logLevels.find((level) => level === given.logLevel);
  if (logLevel === undefined) wrong('logLevel', `one of ${logLevels.join(', ')} is expected`);
  if (given.redis !== undefined) problems.push(...redisProblems(given.redis, nameOf('redis')));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('MANYHANDS_') || variables.has(name) || serviceLink.test(name)) continue;
    problems.push(`${name} is set: there is no such variable`);
  }

  if (problems.length > 0 || logLevel === undefined || artifacts === null) {
    throw new Failure('config_invalid', 'The coordinator cannot start with this configuration.', {
      why: problems,
      remedy: 'mend all of these; `manyhands coordinator --help` has options and variables',
    });
  }
  const { host, data, redis, sharedFolder } = given;
  return { port, host, data, redis, sharedFolder, artifacts, logLevel };
}

/** Why coordinators cannot share a folder as it is given. */
function flawOfSharing({ data, redis, sharedFolder = '' }: GivenConfig): string | null {
  if (redis === undefined) return 'those who share a folder share a Redis: --redis is expected too';
  return resolve(data) === resolve(sharedFolder)
    ? 'another folder than --data is expected, which is this coordinator’s alone'
    : null;
}

/** What is wrong with the folder, or with the one that it would be made in. */
function flawOfFolder(folder: string): string | null {
  let path = resolve(folder);
  for (;;) {
    try {
      if (!statSync(path).isDirectory()) return `a folder is expected, and ${path} is none`;
      accessSync(path, constants.W_OK | constants.X_OK);
      return null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTDIR') return `a folder is expected, and ${dirname(path)} is none`;
      if (code !== 'ENOENT') return `a folder to write to is expected (${path}: ${code})`;
      path = dirname(path);
    }
  }
}

function redisProblems(url: string, name: string): string[] {
  try {
    parseRedisUrl(url);
    return [];
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    return [`${name} cannot be read (it is not shown, it may hold a password): ${error.why}`];
  }
}
