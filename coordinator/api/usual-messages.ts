/**
 * Reads what nearly every frame from a host is made of, wants and reports in columns, as their packer writes
 * them: to read maps whose names are known name by name took a sixteenth of a coordinator's time with
 * leases of one unit. Of anything else it says nothing, and the unpacker reads it.
 *
 * The messages have their fields and kinds of values; that these are within bounds is left to isUsualMessage.
 */
import type { HostMessage, UnitRuns } from '../../protocol/messages.ts';

/** The same messages as the unpacker's, or null when the frame holds anything else. */
export function unpackUsualMessages(frame: Buffer): HostMessage[] | null {
  const reader = new Reader(frame);
  try {
    const messages: HostMessage[] = [];
    for (let left = reader.isAtArray ? reader.array() : 1; left > 0; left--)
      messages.push(readMessage(reader));
    return reader.at === frame.length ? messages : null;
  } catch (error) {
    if (error !== unusual) throw error;
    return null;
  }
}

function readMessage(reader: Reader): HostMessage {
  if (reader.skips(names.wantId)) {
    const id = reader.number();
    reader.expect(names.units);
    return { type: 'want', id, units: reader.number() };
  }
  reader.expect(names.reportId);
  const id = reader.number();
  reader.expect(names.token);
  const token = reader.text();
  reader.expect(names.successes);
  const units: UnitRuns = [];
  for (let left = reader.array(); left > 0; left--) {
    reader.expect(names.run);
    const from = reader.number();
    units.push([from, reader.number()]);
  }
  reader.expect(names.fuel);
  const fuel: number[] = [];
  for (let left = reader.array(); left > 0; left--) fuel.push(reader.number());
  reader.expect(names.outputs);
  const outputs = reader.binary();
  reader.expect(names.wallMs);
  const wallMs = reader.number();
  reader.expect(names.noResults);
  return { type: 'report', id, token, successes: { units, fuel, outputs, wallMs }, results: [] };
}

/** What is thrown at anything else. It carries no stack, which would cost more than the frame. */
const unusual = Object.freeze({ name: 'unusual' });

/** A map 16, which the packer of a worker writes for all maps. */
const map = (fields: number): Buffer => Buffer.of(0xde, 0, fields);
const text = (ascii: string): Buffer =>
  Buffer.concat([Buffer.of(0xa0 | ascii.length), Buffer.from(ascii, 'latin1')]);

/** Bytes of MessagePack for what is the same in each message: the sizes of maps, names, fixed values. */
const names = {
  wantId: Buffer.concat([map(3), text('type'), text('want'), text('id')]),
  units: text('units'),
  reportId: Buffer.concat([map(5), text('type'), text('report'), text('id')]),
  token: text('token'),
  successes: Buffer.concat([text('successes'), map(4), text('units')]),
  run: Buffer.of(0x92),
  fuel: text('fuel'),
  outputs: text('outputs'),
  wallMs: text('wallMs'),
  noResults: Buffer.concat([text('results'), Buffer.of(0x90)]),
};

class Reader {
  at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtArray(): boolean {
    const format = this.bytes[this.at] ?? 0;
    return (format & 0xf0) === 0x90 || format === 0xdc;
  }

  /** Past these bytes, if they come next. */
  skips(expected: Uint8Array): boolean {
    const { bytes, at } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
    this.at += expected.length;
    return true;
  }

  expect(expected: Uint8Array): void {
    if (!this.skips(expected)) throw unusual;
  }

  array(): number {
    const format = this.byte();
    if ((format & 0xf0) === 0x90) return format & 0x0f;
    if (format === 0xdc) return this.unsigned(2);
    throw unusual;
  }

  /** Whole ones below 2^32, and doubles. */
  number(): number {
    const format = this.byte();
    if (format < 0x80) return format;
    if (format === 0xcc) return this.byte();
    if (format === 0xcd) return this.unsigned(2);
    if (format === 0xce) return this.unsigned(4);
    if (format !== 0xcb) throw unusual;
    const at = this.skip(8);
    return this.bytes.readDoubleBE(at);
  }

  text(): string {
    const format = this.byte();
    const length = (format & 0xe0) === 0xa0 ? format & 0x1f : this.size(format, 0xd9);
    const at = this.skip(length);
    return this.bytes.toString('utf8', at, this.at);
  }

  binary(): Buffer {
    const at = this.skip(this.size(this.byte(), 0xc4));
    return this.bytes.subarray(at, this.at);
  }

  /** The length of what has formats of its own for lengths in one byte and, next to that, in two. */
  private size(format: number, inOneByte: number): number {
    if (format === inOneByte) return this.byte();
    if (format === inOneByte + 1) return this.unsigned(2);
    throw unusual;
  }

  private byte(): number {
    const at = this.skip(1);
    return this.bytes[at] as number;
  }

  private unsigned(width: 2 | 4): number {
    const at = this.skip(width);
    return width === 2 ? this.bytes.readUInt16BE(at) : this.bytes.readUInt32BE(at);
  }

  /** Returns where the bytes that it skips begin. */
  private skip(count: number): number {
    const { at } = this;
    if (at + count > this.bytes.length) throw unusual;
    this.at = at + count;
    return at;
  }
}
