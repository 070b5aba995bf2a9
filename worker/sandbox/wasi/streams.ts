/**
 * The standard streams as plain bytes. stdout is kept whole up to the run's output bound, stderr as
 * a tail: the last words are what a scientist needs, and a kernel may chatter without end.
 * Growing buffers, not lists of writes: a million one-byte writes must cost a million bytes.
 */
export interface ByteSource {
  bytes: Uint8Array;
  position: number;
}

export interface ByteSink {
  bytes: Uint8Array;
  length: number;
}

/** Reads on: fills the buffers in turn and says how many bytes there were. */
export function readSource(source: ByteSource, buffers: Uint8Array[]): number {
  const start = source.position;
  for (const buffer of buffers) {
    const part = source.bytes.subarray(source.position, source.position + buffer.length);
    buffer.set(part);
    source.position += part.length;
  }
  return source.position - start;
}

export const emptySink = (): ByteSink => ({ bytes: new Uint8Array(0), length: 0 });

export function append(sink: ByteSink, part: Uint8Array): void {
  const length = sink.length + part.length;
  if (length > sink.bytes.length) {
    const larger = new Uint8Array(Math.max(length, 2 * sink.bytes.length, 256));
    larger.set(sink.bytes.subarray(0, sink.length));
    sink.bytes = larger;
  }
  sink.bytes.set(part, sink.length);
  sink.length = length;
}

/** Appends and forgets all but the last `keep` bytes; shifts only when twice that has gathered. */
export function appendToTail(sink: ByteSink, part: Uint8Array, keep: number): void {
  const tail = part.subarray(Math.max(0, part.length - keep));
  if (sink.length + tail.length > 2 * keep) {
    const kept = Math.max(0, keep - tail.length);
    sink.bytes.copyWithin(0, sink.length - kept, sink.length);
    sink.length = kept;
  }
  append(sink, tail);
}

/** A copy, so that what leaves the sandbox does not drag the whole buffer along. */
export function contents(sink: ByteSink, keep = sink.length): Uint8Array {
  return sink.bytes.slice(Math.max(0, sink.length - keep), sink.length);
}
