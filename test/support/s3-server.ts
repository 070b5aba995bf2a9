/**
 * A real S3-compatible server of a test's own: s3rver, from npm, in a process that can be killed, with its objects in
 * a temporary folder. Started again it is on the same port and has what it had.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./s3-server-process.mjs', import.meta.url));

export type S3Server = {
  bucket: string;
  /** What the SDK is told: endpoint, region and credentials. */
  env: Record<string, string>;
  /** Where the objects are, as s3rver lays them out. */
  folder: string;
  kill9(): Promise<void>;
  /** Neither answers nor refuses until the returned function is called. */
  stall(): () => void;
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
};

export async function startS3Server(bucket = 'grid'): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), 'mh-s3-'));
  let port = '0';
  let child: ChildProcess;
  const start = async () => {
    // It hides with DES where a long list goes on, which OpenSSL calls legacy.
    const args = ['--openssl-legacy-provider', program, folder, port, bucket];
    child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('it has no output');
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    port = line.replace('ready ', '').trim();
  };
  const kill9 = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    bucket,
    folder,
    env: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      // The only ones that s3rver knows.
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    },
    kill9,
    stall() {
      child.kill('SIGSTOP');
      return () => void child.kill('SIGCONT');
    },
    restart: start,
    async stop() {
      await kill9();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
