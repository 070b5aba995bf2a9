import { badUsage, command, jsonOption } from '../command.ts';
import { print, printJson, say } from '../terminal.ts';

export const bench = () =>
  command('bench', 'Measure this version of Manyhands on this machine.', [
    'manyhands bench throughput',
    'manyhands bench throughput --json | tail -n 1',
  ])
    .argument('[name]', 'which bench; without a name they are listed')
    .addOption(jsonOption())
    .action(async (name, { json }) => {
      const { benches } = await import('../../bench/index.ts');
      if (name === undefined) {
        const known = Object.entries(benches).map(([name, { summary }]) => ({ name, summary }));
        if (json) printJson(known);
        else for (const { name, summary } of known) print(`${name.padEnd(12)} ${summary}`);
        return;
      }
      const found = Object.hasOwn(benches, name) ? benches[name] : undefined;
      if (found === undefined) {
        throw badUsage(
          `There is no bench "${name}".`,
          `the benches are ${Object.keys(benches).join(', ')}`,
          'run `manyhands bench` for what they measure',
        );
      }
      const measured = await found.run(json ? say : print);
      if (json) printJson(measured);
    });
