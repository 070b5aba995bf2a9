// Awards and archives once, from dist/, and kills itself before or after a given step. Arguments: socket of Redis, folder, step.

const dist = new URL('../../../dist/coordinator/', import.meta.url);
const { award } = await import(new URL('flow/award.js', dist).href);
const { archiveEntries } = await import(new URL('flow/archive.js', dist).href);
const { openRedisStore } = await import(new URL('store/redis-store.js', dist).href);
const { History } = await import(new URL('store/history.js', dist).href);

const [, , path, folder, text] = process.argv;
let left = Number(text);
const step = () => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
};

/** Where something is or becomes true; what is only read in between cannot tell one death from another. */
const steps = new Set([
  'readOutbox',
  'post',
  'trimOutbox',
  'readEntries',
  'beginTerm',
  'append',
  'moveArchive',
]);

/** The same object, deadly at the step. */
const deadly = (part) =>
  new Proxy(part, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (name === 'ledger') return deadly(found);
      if (typeof found !== 'function') return found;
      if (!steps.has(name)) return found.bind(target);
      return async (...args) => {
        step();
        const reply = await found.apply(target, args);
        step();
        return reply;
      };
    },
  });

const store = await openRedisStore({ path });
const now = () => 1_700_000_000_000;
const log = { error: () => undefined };
const jobs = { facts: (jobId) => store.jobs.read(jobId) };
await award({ store: deadly(store), jobs, now, log }, 0);
await archiveEntries({ store: deadly(store) }, deadly(new History(folder)));
await store.close();
process.exit(0);
