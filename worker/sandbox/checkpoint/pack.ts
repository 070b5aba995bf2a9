/**
 * Snapshots as they are kept and sent: encoded, then compressed, named by the SHA-256 of the encoded
 * bytes. A compressor may do as it likes; the name stays the same.
 *
 * gzip, because every place that runs kernels has it built in. Packed bytes may come from a
 * stranger: a few of them can stand for gigabytes, so unpacking stops at a bound.
 */
import { concatBytes } from '../../../protocol/bytes.ts';
import { decodeSnapshot, encodeSnapshot } from './codec.ts';
import { refuseSnapshot, type Snapshot } from './snapshot.ts';

export interface PackedSnapshot {
  /** SHA-256 of the encoded snapshot. */
  digest: Uint8Array;
  bytes: Uint8Array;
}

export async function packSnapshot(snapshot: Snapshot): Promise<PackedSnapshot> {
  const encoded = encodeSnapshot(snapshot);
  const bytes = await collect(through(encoded, new CompressionStream('gzip')), Infinity);
  return { digest: await sha256(encoded), bytes };
}

/** `bytesMax` bounds the encoded snapshot. Rejects with SnapshotRefused. */
export async function unpackSnapshot(
  { digest, bytes }: PackedSnapshot,
  bytesMax: number,
): Promise<Snapshot> {
  const encoded = await collect(through(bytes, new DecompressionStream('gzip')), bytesMax);
  const found = await sha256(encoded);
  if (digest.length !== found.length || found.some((byte, at) => byte !== digest[at]))
    refuseSnapshot('it is not the one that was asked for');
  return decodeSnapshot(encoded);
}

type Transform = CompressionStream | DecompressionStream;

function through(bytes: Uint8Array, transform: Transform): ReadableStream<Uint8Array> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return source.pipeThrough(transform);
}

async function collect(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = stream.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
      if (length > bytesMax) {
        await reader.cancel();
        break;
      }
      parts.push(next.value);
    }
  } catch {
    // Engines differ in what they throw; it always means the same.
    refuseSnapshot('it cannot be unpacked');
  }
  if (length > bytesMax) refuseSnapshot(`it is larger than ${bytesMax} bytes`);
  return concatBytes(parts);
}

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
