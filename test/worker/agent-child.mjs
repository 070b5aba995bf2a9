// An agent in a process of its own, for tests that kill it: node agent-child.mjs URL FOLDER SANDBOX
//
//   dice   runs give other bytes each time and take a while, so a unit that ran twice would show
//   real   the sandbox that volunteers have
//
// It is the built agent, because Node 20 does not run TypeScript.

import { randomBytes } from 'node:crypto';
import { openAgent } from '../../dist/worker/agent.js';
import { openSandbox } from '../../dist/worker/sandbox/node/sandbox-process.js';

const [url, dataDir, sandbox] = process.argv.slice(2);

function openDice() {
  return {
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
      return {
        outcome: 'success',
        exitCode: 0,
        fuel: 1,
        stdout: randomBytes(Math.random() < 0.3 ? 3000 : 16),
        stderr: new Uint8Array(),
        files: {},
        detail: '',
        wallMs: 10,
      };
    },
    save: async () => null,
    abort: () => {},
    pause: () => {},
    resume: () => {},
    close: async () => {},
  };
}

const agent = openAgent({
  urls: [url],
  dataDir,
  name: 'to be killed',
  team: null,
  cores: 2,
  onEvent: () => {},
  openSandbox: sandbox === 'real' ? openSandbox : openDice,
});
process.once('SIGTERM', () => agent.stop());
await agent.done;
