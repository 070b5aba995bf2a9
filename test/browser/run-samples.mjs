// Runs kernels in a Node of its own, started with whatever flags the test wants: a list of { wasm, run }
// on stdin, the list of their ends on stdout, both as V8 serialises values. It is the built runner,
// because Node 20 does not run TypeScript.

import { buffer } from 'node:stream/consumers';
import { deserialize, serialize } from 'node:v8';
import { runKernel } from '../../dist/worker/sandbox/runner.js';

const samples = deserialize(await buffer(process.stdin));
const ends = samples.map(({ wasm, run }) => runKernel(new WebAssembly.Module(wasm), run));
process.stdout.write(serialize(ends));
