// s3rver as a process: node s3-server-process.mjs FOLDER PORT BUCKET. What it answers is on disk whole, as S3
// promises; s3rver itself writes to the object's own file, and answers before the end of it is written.
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import S3rver from 's3rver';

const [, , folder, port, bucket] = process.argv;
const server = new S3rver({
  ...{ directory: folder, address: '127.0.0.1', port: Number(port), silent: true },
  configureBuckets: bucket === '' ? [] : [{ name: bucket }],
});

const store = server.store;
store.putObject = async (object) => {
  const path = store.getResourcePath(object.bucket, object.key, 'object');
  const temporary = join(folder, `.incoming-${randomBytes(6).toString('hex')}`);
  await mkdir(dirname(path), { recursive: true });
  const promised = Number(object.metadata['content-length']);
  try {
    await pipeline(object.content, createWriteStream(temporary));
    const file = await open(temporary, 'r+');
    await file.sync();
    const md5 = createHash('md5');
    for await (const piece of file.createReadStream()) md5.update(piece);
    const { size } = await stat(temporary);
    if (size !== promised) throw new Error(`${size} bytes came of ${promised}`);
    const digest = md5.digest('hex');
    await store.putMetadata(object.bucket, object.key, object.metadata, digest);
    await rename(temporary, path);
    return { size, md5: digest };
  } finally {
    await rm(temporary, { force: true });
  }
};
// s3rver itself removes folders that are empty then, and fails when somebody else does so, or is about to use one.
store.deleteObject = async (bucket, key) => {
  for (const kind of ['object', 'object.md5', 'metadata.json'])
    await rm(store.getResourcePath(bucket, key, kind), { force: true });
};

// Whoever started it may be killed, and closes its input then.
process.stdin.resume().once('close', () => process.exit());
const { port: listening } = await server.run();
process.stdout.write(`ready ${listening}\n`);
