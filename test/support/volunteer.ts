// A volunteer's host by hand: it says only what a test tells it to, over a real WebSocket, and holds
// every message it gets to the contract. Good for sending what no worker of ours would send.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Packr, Unpackr } from 'msgpackr';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { limits } from '../../protocol/limits.ts';
import {
  type CoordinatorMessage,
  coordinatorMessageSchema,
  type Hello,
  type HostMessage,
  type HostResult,
  type Lease,
  type Report,
  type UnitRuns,
} from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { encodeOutput, type UnitOutput } from '../../protocol/output.ts';
import { expandVerdicts, orderForReport, packResults } from '../../protocol/report.ts';
import { protocolVersion, sessionPath, subprotocol } from '../../protocol/version.ts';

type Message<T extends CoordinatorMessage['type']> = Extract<CoordinatorMessage, { type: T }>;
type Answer = Verdict[] | { refused: string };
export type Ended = { code: number; reason: string };
export type Keys = { host: KeyPair; account: KeyPair };
type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };

const packing = { useRecords: false, int64AsType: 'number' } as const;
const packr = new Packr(packing);
const unpackr = new Unpackr(packing);

/** A host of an account of its own, or of the given one. */
export const newKeys = (account: KeyPair = generateKeyPairSync('ed25519')): Keys => ({
  host: generateKeyPairSync('ed25519'),
  account,
});

type VolunteerOptions = {
  keys?: Keys;
  /** Speaks in text frames. */
  json?: boolean;
  /** What it offers; null: nothing. */
  subprotocol?: string | null;
  /** Where it connects from, as a proxy on the coordinator's machine tells it. */
  address?: string;
};

/** Connects and takes the challenge. */
export async function openVolunteer(url: string, options: VolunteerOptions = {}) {
  const volunteer = new Volunteer(url, options);
  await volunteer.challenged;
  return volunteer;
}

/** Connects and is welcomed; comes again when there is no room for newcomers just now, as a worker does. */
export async function joinVolunteer(
  url: string,
  options: VolunteerOptions & { hello?: Partial<Hello> } = {},
): Promise<Volunteer> {
  for (;;) {
    const volunteer = await openVolunteer(url, options);
    const end = await Promise.race([
      volunteer.greet(options.hello).then(
        () => null,
        () => volunteer.ended,
      ),
      volunteer.ended,
    ]);
    if (end === null) return volunteer;
    if (end.reason !== 'crowded') throw new Error(`not welcomed: ${end.code} ${end.reason}`);
    await wait(200);
  }
}

/** Jobs of tests that are over, in a grid that tests share: their results may still be checked. */
export const pastJobs = new Set<string>();

export class Volunteer {
  readonly keys: Keys;
  /** Every message that came, in order. */
  readonly received: CoordinatorMessage[] = [];
  /** How the coordinator, or we, ended the session. */
  readonly ended: Promise<Ended>;
  readonly challenged: Promise<Message<'challenge'>>;
  welcome: Message<'welcome'> | null = null;
  private readonly socket: WebSocket;
  private readonly isJson: boolean;
  private readonly taken = new Set<CoordinatorMessage>();
  private readonly waiting = new Set<() => void>();
  /** Units, by the want's id. */
  private readonly wanted = new Map<number, number>();
  private readonly past: Lease[] = [];
  private end: Ended | null = null;
  private nextId = 1;

  constructor(url: string, options: VolunteerOptions = {}) {
    this.keys = options.keys ?? newKeys();
    this.isJson = options.json ?? false;
    const offered = options.subprotocol === undefined ? subprotocol : options.subprotocol;
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}${sessionPath}`, offered ?? [], {
      perMessageDeflate: false,
      ...(options.address === undefined ? {} : { headers: { 'x-forwarded-for': options.address } }),
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
    this.ended = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.end = { code, reason: reason.toString() };
        resolve(this.end);
        this.look();
      });
    });
    this.challenged = this.next('challenge');
    this.challenged.catch(() => undefined);
    onTestFinished(() => this.cut());
  }

  get hostId(): string {
    return this.welcome?.hostId ?? '';
  }

  /** Sends one message or several in a frame, whether they fit the contract or not. */
  send(frame: unknown): void {
    for (const message of [frame].flat() as HostMessage[]) {
      if (message?.type === 'want') this.wanted.set(message.id, message.units);
    }
    this.sendRaw(this.isJson ? JSON.stringify(frame, bytesAsBase64url) : packr.pack(frame));
  }

  sendRaw(frame: Uint8Array | string): void {
    this.socket.send(frame);
  }

  /** A hello that answers the challenge of this session. */
  async hello(parts: Partial<Hello> = {}): Promise<Hello> {
    const { gridId, nonce } = await this.challenged;
    const { host, account } = this.keys;
    const hostKey = rawKey(host.publicKey);
    return {
      type: 'hello',
      protocol: protocolVersion,
      version: 'test',
      platform: 'node',
      hostKey,
      accountKey: rawKey(account.publicKey),
      certificate: sign(null, certificateBytes(hostKey), account.privateKey),
      signature: sign(null, sessionBytes(gridId, nonce), host.privateKey),
      name: 'a volunteer',
      team: null,
      // So large that it may have many units at once; a test of what hosts may have says less.
      cores: 64,
      memoryBytes: 2 ** 33,
      features: ['simd'],
      leases: [],
      ...parts,
    };
  }

  async greet(parts: Partial<Hello> = {}): Promise<Message<'welcome'>> {
    this.send(await this.hello(parts));
    this.welcome = await this.next('welcome');
    return this.welcome;
  }

  /** The first message of this type that was not taken yet. Rejects when the session ends first. */
  async next<T extends CoordinatorMessage['type']>(
    type: T,
    fits: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    for (;;) {
      const found = this.received.find(
        (message): message is Message<T> =>
          message.type === type && !this.taken.has(message) && fits(message as Message<T>),
      );
      if (found !== undefined) {
        this.taken.add(found);
        return found;
      }
      if (this.end !== null) {
        throw new Error(`no ${type} came: closed with ${this.end.code} ${this.end.reason}`);
      }
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Asks without waiting; returns the want's id. */
  ask(units: number): number {
    const id = this.nextId++;
    this.send({ type: 'want', id, units } satisfies HostMessage);
    return id;
  }

  /** Asks, and waits until there is work, however long; asks again when it is told to, as a worker does. */
  async want(units: number): Promise<Lease[]> {
    for (;;) {
      const id = this.ask(units);
      const answer = await Promise.race([
        this.next('lease', (message) => message.want === id),
        this.next('noWork', (message) => message.want === id && message.retryAfterMs !== null),
      ]);
      if (answer.type === 'lease') return answer.leases;
      await wait(answer.retryAfterMs ?? 0);
    }
  }

  /** Asks until it holds so many units. A coordinator that shares fairly grants some at a time. */
  async take(units: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    for (let left = units; left > 0; ) {
      const more = await this.want(Math.min(left, limits.unitsPerWantMax));
      leases.push(...more);
      left -= more.flatMap(unitsOf).length;
    }
    return leases;
  }

  /** Reports one by one, and waits for the verdicts or for the notice that refuses them. */
  report(token: string, results: readonly HostResult[]): Promise<Answer> {
    return this.tell({ token, successes: null, results: [...results] });
  }

  /** Reports as a worker does: what can go in columns goes in columns. */
  reportPacked(token: string, results: readonly HostResult[]): Promise<Answer> {
    return this.tell({ token, ...packResults(orderForReport(results, (result) => result)) });
  }

  async tell(report: Omit<Report, 'type' | 'id'>): Promise<Answer> {
    const id = this.nextId++;
    this.send({ type: 'report', id, ...report });
    const answer = await Promise.race([
      this.next('recorded', (message) => message.report === id),
      this.next('notice', (message) => message.about === id),
    ]);
    return answer.type === 'recorded' ? expandVerdicts(answer.verdicts) : { refused: answer.code };
  }

  /** Succeeds on every unit of the leases; returns all verdicts. */
  async finish(leases: readonly Lease[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const lease of leases) {
      const answer = await this.reportPacked(
        lease.token,
        unitsOf(lease).map((unit) => aSuccess(unit)),
      );
      if ('refused' in answer) throw new Error(`the report was refused: ${answer.refused}`);
      verdicts.push(...answer);
    }
    return verdicts;
  }

  release(token: string, units: UnitRuns): void {
    this.send({ type: 'release', token, units } satisfies HostMessage);
  }

  /** Returns when the coordinator has dealt with everything that was sent before. */
  async settled(): Promise<void> {
    this.socket.ping();
    await new Promise((resolve) => this.socket.once('pong', resolve));
  }

  /** Reads nothing more and answers no ping, as behind a network that was lost without a word. */
  freeze(): void {
    this.socket.pause();
  }

  thaw(): void {
    this.socket.resume();
  }

  /** Ends it as a machine does whose power fails: the other side is told by the system. */
  cut(): void {
    this.socket.terminate();
  }

  private receive(data: Buffer, isBinary: boolean): void {
    const frame = isBinary ? unpackr.unpack(data) : JSON.parse(data.toString('utf8'));
    for (const message of Array.isArray(frame) ? frame : [frame]) {
      const parsed = coordinatorMessageSchema.parse(message);
      if (parsed.type === 'lease') this.takeLeases(parsed);
      else this.received.push(parsed);
    }
    this.look();
  }

  /**
   * Checks of what earlier tests have left behind are not answered: asks past them. They are given back
   * when something else has come; any sooner, and they would be what comes.
   */
  private takeLeases(message: Message<'lease'>): void {
    const leases = message.leases.filter(({ jobId }) => !pastJobs.has(jobId));
    this.past.push(...message.leases.filter(({ jobId }) => pastJobs.has(jobId)));
    if (leases.length === 0) {
      this.send({ type: 'want', id: message.want, units: this.wanted.get(message.want) ?? 1 });
      return;
    }
    this.received.push({ ...message, leases });
    for (const { token, units } of this.past.splice(0)) this.release(token, units);
  }

  private look(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const look of waiting) look();
  }
}

export const unitsOf = ({ units }: Pick<Lease, 'units'>): number[] =>
  units.flatMap(([from, count]) => Array.from({ length: count }, (_, i) => from + i));

/** A success that paid a thousand microcredit for printing the unit's index. */
export function aSuccess(unit: number, parts: Partial<HostResult> = {}): HostResult {
  const output = encodeOutput({ stdout: Buffer.from(`${unit}`), files: {} });
  return {
    unit,
    outcome: 'success',
    exitCode: 0,
    fuel: 1_000_000_000,
    digest: sha256(output),
    output,
    detail: '',
    wallMs: 1,
    ...parts,
  };
}

/** A kernel's own failure; two that are equal agree. */
export const aFailure = (unit: number, parts: Partial<HostResult> = {}): HostResult => ({
  unit,
  outcome: 'kernel_trap',
  exitCode: null,
  fuel: 500,
  digest: sha256(nothing),
  output: nothing,
  detail: '',
  wallMs: 1,
  ...parts,
});
const nothing = encodeOutput({ stdout: new Uint8Array(0), files: {} });

/** An output too large for a report, with the digest that names it. */
export function aLargeOutput(output: UnitOutput) {
  const bytes = encodeOutput(output);
  const digest = sha256(bytes);
  return { bytes, digest, name: `sha256:${digest.toString('hex')}` };
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const rawKey = (key: KeyObject): Uint8Array =>
  key.export({ format: 'der', type: 'spki' }).subarray(-32);

const bytesAsBase64url = (_key: string, value: unknown): unknown => {
  // A Buffer turns itself into {type, data} before a replacer sees it.
  const isBuffer =
    typeof value === 'object' && value !== null && 'data' in value && 'type' in value;
  if (isBuffer && value.type === 'Buffer') {
    return Buffer.from(value.data as number[]).toString('base64url');
  }
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value;
};
