// A volunteer whose worker is ours in everything but the truth: the agent of dist/, and a sandbox around the real
// one that lies about every unit. Arguments: the coordinator, a folder, and how it lies.
//
//   skips   it runs nothing, and makes up what looks like a result
//   bytes   it runs the unit, and changes what was printed
//   fuel    it runs the unit, and says that it took twice as much

const dist = new URL('../../dist/worker/', import.meta.url);
const { openAgent } = await import(new URL('agent.js', dist).href);
const { openSandbox } = await import(new URL('sandbox/node/sandbox-process.js', dist).href);

const [, , url, dataDir, way] = process.argv;

/** As the Mersenne kernel would print it, for all that anybody can tell who has not computed it. */
function madeUp({ args }) {
  const exponent = Number(args.at(-1));
  const res64 = Buffer.from(`${exponent}`.padStart(8, '.')).toString('hex').toUpperCase();
  const line = JSON.stringify({ exponent, prime: false, res64, iterations: exponent - 2 });
  return {
    outcome: 'success',
    exitCode: 0,
    fuel: 50 * exponent ** 2,
    stdout: Buffer.from(`${line}\n`),
    stderr: new Uint8Array(0),
    files: {},
    detail: '',
    wallMs: 1,
  };
}

const lies = {
  skips: (_run, unit) => madeUp(unit),
  async bytes(run) {
    const end = await run();
    return { ...end, stdout: Buffer.from(`${Buffer.from(end.stdout)}`.replace('"', ' "')) };
  },
  async fuel(run) {
    const end = await run();
    return { ...end, fuel: 2 * end.fuel };
  },
};

function lyingSandbox(options) {
  const sandbox = openSandbox(options);
  return new Proxy(sandbox, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (name !== 'run') return typeof found === 'function' ? found.bind(target) : found;
      return async (kernel, unit, onProgress) =>
        await lies[way](() => target.run(kernel, unit, onProgress), unit);
    },
  });
}

const agent = openAgent({
  urls: [url],
  dataDir,
  name: way,
  team: null,
  cores: 1,
  onEvent: () => undefined,
  openSandbox: lyingSandbox,
});
process.once('SIGTERM', () => agent.stop());
await agent.done;
process.exit(0);
