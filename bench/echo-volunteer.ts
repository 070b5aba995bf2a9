/**
 * A volunteer that computes nothing: it answers each lease at once with the same small output, over a
 * real WebSocket in the real protocol. What is left to measure is the coordinator's own work.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Packr, Unpackr } from 'msgpackr';
import { WebSocket } from 'ws';
import { certificateBytes, sessionBytes } from '../protocol/identity.ts';
import { limits } from '../protocol/limits.ts';
import type {
  CoordinatorMessage,
  HostMessage,
  Lease,
  Report,
  VerdictRuns,
} from '../protocol/messages.ts';
import { encodeOutput } from '../protocol/output.ts';
import { protocolVersion, sessionPath, subprotocol } from '../protocol/version.ts';

const packing = { useRecords: false, int64AsType: 'number' } as const;
const packr = new Packr(packing);
const unpackr = new Unpackr(packing);

const output = encodeOutput({ stdout: Buffer.from('{"ok":true}\n'), files: {} });
/** One credit's millionth: enough that every unit is paid something. */
const fuel = 1_000_000;

export type EchoOptions = {
  leaseUnits: number;
  /** Leases that it has out at once, so that it need not wait for each answer. */
  leasesInFlight: number;
  /** How long it waits, on average, before it asks again: as if it had computed. */
  pauseMs: number;
  /** Says hello, answers pings, and asks for nothing before `begin`. */
  isAtRest?: boolean;
  /** Is told of each lease that was recorded whole. */
  onRecorded?: (lease: Lease, verdicts: VerdictRuns) => void;
};

/** What outlives a session: whose it is, and what was reported and not recorded yet, by its id. */
export type EchoHoldings = {
  host: Keys;
  account: Keys;
  unrecorded: Map<number, { report: Report; lease: Lease }>;
};
type Keys = { publicKey: KeyObject; privateKey: KeyObject };

export const newHoldings = (): EchoHoldings => ({
  host: generateKeyPairSync('ed25519'),
  account: generateKeyPairSync('ed25519'),
  unrecorded: new Map(),
});

export type EchoVolunteer = {
  readonly recorded: number;
  readonly isWelcome: boolean;
  /** Settles when the session is over. */
  readonly ended: Promise<unknown>;
  /** Milliseconds from each want to its lease, since this was last asked. */
  takeRoundTrips(): number[];
  /** Asks for its first leases. */
  begin(): void;
  close(): void;
};

/** Asks for leases, and for the next one when it has answered one. */
export function openEchoVolunteer(
  url: string,
  name: string,
  options: EchoOptions,
  { host, account, unrecorded }: EchoHoldings = newHoldings(),
): EchoVolunteer {
  const { leaseUnits, leasesInFlight, pauseMs, isAtRest = false } = options;
  const hostKey = rawKey(host.publicKey);
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${sessionPath}`, subprotocol, {
    perMessageDeflate: false,
  });
  // Beyond what an earlier session has used.
  let nextId = Math.max(-1, ...unrecorded.keys()) + 1;
  let recorded = 0;
  let isWelcome = false;
  const askedAt = new Map<number, number>();
  let roundTrips: number[] = [];
  const answers: HostMessage[] = [];
  const send = (frame: HostMessage | HostMessage[]) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(packr.pack(frame));
  };
  const want = (): HostMessage => {
    askedAt.set(nextId, performance.now());
    return { type: 'want', id: nextId++, units: leaseUnits };
  };
  // Spread out, or all who are welcomed at once would go on asking at once.
  const pause = () => pauseMs * (0.5 + Math.random());
  const askAgain = () => {
    if (pauseMs === 0) answers.push(want());
    else setTimeout(() => send(want()), pause());
  };
  const begin = () => {
    for (let i = 0; i < leasesInFlight; i++) askAgain();
  };
  const flush = () => {
    while (answers.length > 0) send(answers.splice(0, limits.messagesPerFrameMax));
  };

  const report = (lease: Lease): Report => {
    const count = lease.units.reduce((sum, [, length]) => sum + length, 0);
    const successes = {
      units: lease.units,
      fuel: new Array<number>(count).fill(fuel),
      outputs: Buffer.concat(new Array<Uint8Array>(count).fill(output)),
      wallMs: count,
    };
    const id = nextId++;
    const report: Report = { type: 'report', id, token: lease.token, successes, results: [] };
    unrecorded.set(id, { report, lease });
    return report;
  };

  socket.on('error', () => {
    // The bench ends by closing the coordinator; a reset is no news then.
  });
  const receive = (message: CoordinatorMessage) => {
    if (message.type === 'challenge') {
      send({
        type: 'hello',
        protocol: protocolVersion,
        version: 'bench',
        platform: 'node',
        hostKey,
        accountKey: rawKey(account.publicKey),
        certificate: sign(null, certificateBytes(hostKey), account.privateKey),
        signature: sign(null, sessionBytes(message.gridId, message.nonce), host.privateKey),
        name,
        team: null,
        cores: 1,
        memoryBytes: 2 ** 33,
        features: ['simd'],
        leases: [...unrecorded.values()]
          .slice(0, limits.leasesPerHelloMax)
          .map(({ lease: { token, units } }) => ({ token, units })),
      });
    } else if (message.type === 'welcome') {
      isWelcome = true;
      for (const { report } of unrecorded.values()) answers.push(report);
      if (!isAtRest) begin();
    } else if (message.type === 'lease') {
      roundTrips.push(performance.now() - (askedAt.get(message.want) ?? 0));
      askedAt.delete(message.want);
      answers.push(...message.leases.map(report));
      askAgain();
    } else if (message.type === 'recorded') {
      recorded += message.verdicts.reduce((sum, [, count]) => sum + count, 0);
      const known = unrecorded.get(message.report);
      unrecorded.delete(message.report);
      if (known !== undefined) options.onRecorded?.(known.lease, message.verdicts);
    }
  };
  socket.on('message', (data: Buffer) => {
    const frame = unpackr.unpack(data) as CoordinatorMessage | CoordinatorMessage[];
    for (const message of Array.isArray(frame) ? frame : [frame]) receive(message);
    flush();
  });
  return {
    get recorded() {
      return recorded;
    },
    get isWelcome() {
      return isWelcome;
    },
    ended: new Promise((resolve) => socket.once('close', resolve)),
    takeRoundTrips: () => {
      const taken = roundTrips;
      roundTrips = [];
      return taken;
    },
    begin: () => {
      begin();
      flush();
    },
    close: () => socket.terminate(),
  };
}

const rawKey = (key: KeyObject): Uint8Array =>
  key.export({ format: 'der', type: 'spki' }).subarray(-32);
