/**
 * How a scientist writes a job in TypeScript: the job document with the kernel as a file instead
 * of a digest, and templates that the compiler checks.
 *
 *   const job = defineJob({
 *     name: 'squares',
 *     kernel: new URL('./squares.wasm', import.meta.url),
 *     units: { sweep: { n: { from: 1, count: 1000 } } },
 *     run: { args: ({ n }) => ['--n', n] },
 *   });
 *   const { document, artifacts } = await job.prepare();
 *
 * `n` is the placeholder `{n}`, filled in for each unit by whoever runs it. A name that the units
 * do not have is a compile error here, instead of a refused document later. `prepare` reads the
 * kernel, and returns the document as a coordinator stores it with the bytes it refers to: upload
 * those, then submit. What the document cannot be is a ZodError that names the field.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Digest } from '../protocol/ids.ts';
import { type JobDocument, type JobDocumentInput, jobDocumentSchema } from '../protocol/job.ts';
import { parameterNames } from '../protocol/unit-rule.ts';

type Rule = JobDocumentInput['units'];
type Run = NonNullable<JobDocumentInput['run']>;

/** The names that each unit of the rule has a value for, as `unitParams` gives them. */
type NameOf<R> =
  | 'index'
  | (R extends { sweep: infer S }
      ? Extract<keyof S, string>
      : R extends { list: (infer Item)[] }
        ? Item extends object
          ? Extract<keyof Item, string>
          : 'value'
        : R extends { range: unknown }
          ? 'value'
          : R extends { lines: unknown }
            ? 'line'
            : 'offset' | 'bytes');
type Placeholders<R> = { readonly [Name in NameOf<R>]: string };

export type JobDefinition<R extends Rule> = Omit<
  JobDocumentInput,
  'version' | 'kernel' | 'units' | 'run'
> & {
  kernel: URL;
  units: R;
  run?: Omit<Run, 'args' | 'env'> & {
    args?: (unit: Placeholders<R>) => string[];
    env?: (unit: Placeholders<R>) => Record<string, string>;
  };
};

export interface Job {
  readonly name: string;
  prepare(): Promise<PreparedJob>;
}

interface PreparedJob {
  readonly document: JobDocument;
  /** The bytes that the document names and a coordinator must have before it. */
  readonly artifacts: ReadonlyMap<Digest, Uint8Array>;
}

export function defineJob<R extends Rule>(definition: JobDefinition<R>): Job {
  const { kernel, run = {}, ...rest } = definition;
  const names = [...parameterNames(rest.units as JobDocument['units']), 'index'];
  const unit = Object.fromEntries(names.map((name) => [name, `{${name}}`])) as Placeholders<R>;
  return {
    name: definition.name,
    async prepare() {
      const bytes = await readFile(kernel);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const document = jobDocumentSchema.parse({
        ...rest,
        kernel: digest,
        run: { ...run, args: run.args?.(unit), env: run.env?.(unit) },
      });
      return { document, artifacts: new Map([[digest, bytes]]) };
    },
  };
}
