// A coordinator for tests of the worker: a real HTTP and WebSocket server that speaks the contract
// and checks every message against it, grants units from a list and remembers all it was told. It
// has no store and no rules; what a test wants otherwise, it switches off and does by hand.

import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pack, unpack } from 'msgpackr';
import { type WebSocket, WebSocketServer } from 'ws';
import { certificateBytes, sessionBytes } from '../../protocol/identity.ts';
import { idFromBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import {
  type CoordinatorMessage,
  coordinatorMessageSchema,
  type Hello,
  type HostMessage,
  type HostResult,
  hostMessageSchema,
  type JobBrief,
  type Lease,
} from '../../protocol/messages.ts';
import type { Verdict } from '../../protocol/outcome.ts';
import { toVerdictRuns, unpackSuccesses } from '../../protocol/report.ts';
import { protocolVersion, sessionPath, subprotocol } from '../../protocol/version.ts';

type Of<T extends HostMessage['type']> = Extract<HostMessage, { type: T }>;
type Reported = { leaseId: string; jobId: string; result: HostResult };

export class TestCoordinator {
  url = '';
  gridId = 'test-grid';
  /** Every message of every session, in order. */
  readonly log: { session: number; message: HostMessage }[] = [];
  /** Every result ever reported, also repeated ones. */
  readonly reported: Reported[] = [];
  readonly artifacts = new Map<string, Buffer>();
  /** Requests for artifacts: method, digest and range. */
  readonly requests: string[] = [];
  sessions = 0;

  /** Switches: what it does by itself. */
  grants = true;
  records = true;
  private withheld: Of<'report'>[] = [];
  renewEveryMs = 1000;
  /** At most this many units a lease. */
  unitsPerLeaseMax: number = limits.unitsPerWantMax;
  /** Answers the next socket, instead of a challenge. */
  closeCode: number | null = null;
  protocol = protocolVersion;
  subprotocol = subprotocol;
  uploadsFail = false;
  /** What an upload that fails is told, in seconds. */
  retryAfter: number | null = null;
  /** What of an artifact is served: for tests of corrupt and cut downloads. */
  serve: (digest: string, bytes: Buffer, range: number, response: ServerResponse) => boolean = () =>
    false;

  private readonly briefs = new Map<string, JobBrief>();
  private free: { jobId: string; unit: number }[] = [];
  private readonly leases = new Map<string, { jobId: string; token: string; units: number[] }>();
  private readonly told = new Map<WebSocket, Set<string>>();
  private readonly waiting: { until: () => boolean; resolve: () => void }[] = [];
  private openWant: { socket: WebSocket; id: number; units: number } | null = null;
  private server: Server | null = null;
  private socket: WebSocket | null = null;
  private port = 0;

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.serveHttp(request, response));
    const sockets = new WebSocketServer({
      server,
      path: sessionPath,
      maxPayload: limits.frameBytesMax,
      handleProtocols: (offered) => offered.has(this.subprotocol) && this.subprotocol,
    });
    sockets.on('connection', (socket) => this.meet(socket));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    this.server = server;
    return this;
  }

  /** Ends at once, as if killed; `start` opens the same port again. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = null;
    this.openWant = null;
    for (const socket of this.told.keys()) socket.terminate();
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  }

  /** A job whose units are all free; the kernel is any bytes, for a sandbox that does not care. */
  addJob(options: {
    units: number;
    kernel?: Buffer;
    run?: Partial<JobBrief['run']>;
    fuelMax?: string;
    migratable?: boolean;
  }): JobBrief {
    const bytes = options.kernel ?? Buffer.from('kernel');
    const kernel = this.addArtifact(bytes);
    const brief: JobBrief = {
      jobId: idFromBytes('j', randomBytes(10)),
      name: 'a job',
      kernel,
      kernelBytes: bytes.length,
      migratable: options.migratable ?? false,
      run: { args: ['{value}'], env: {}, stdin: null, files: {}, outputs: [], ...options.run },
      limits: {
        fuelMax: options.fuelMax ?? '1000000',
        memoryBytesMax: 65_536,
        outputBytesMax: 1_048_576,
        wallMsMax: 60_000,
      },
      units: { range: { from: 0, count: options.units, step: 1 } },
    };
    this.briefs.set(brief.jobId, brief);
    for (let unit = 0; unit < options.units; unit++) this.free.push({ jobId: brief.jobId, unit });
    this.serveWant();
    return brief;
  }

  addArtifact(bytes: Buffer): string {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.artifacts.set(digest, bytes);
    return digest;
  }

  /** Messages of one type, oldest first. */
  of<T extends HostMessage['type']>(type: T): Of<T>[] {
    return this.log.map(({ message }) => message).filter((m): m is Of<T> => m.type === type);
  }

  /** Units reported so far, each once. */
  unitsReported(): Set<number> {
    return new Set(this.reported.map(({ result }) => result.unit));
  }

  /** Resolves when the condition holds; it is looked at after every message and request. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ until: condition, resolve }));
  }

  /** Sends to the session that is open. */
  send(message: CoordinatorMessage): void {
    this.socket?.send(pack(coordinatorMessageSchema.parse(message)));
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    this.socket?.send(bytes);
  }

  /** Cuts the session, as a network does. */
  cut(): void {
    this.socket?.terminate();
  }

  /** Grants these units by hand, as the answer to want `want`. */
  grant(jobId: string, units: number[], want = this.of('want').at(-1)?.id ?? 0): Lease {
    const lease = this.lease(jobId, units);
    const { socket } = this;
    if (socket) this.sendLeases(socket, want, [lease]);
    return lease;
  }

  /** Grants several leases of the job in one message. */
  grantMany(jobId: string, leases: number[][]): void {
    const want = this.of('want').at(-1)?.id ?? 0;
    const { socket } = this;
    if (socket)
      this.sendLeases(
        socket,
        want,
        leases.map((units) => this.lease(jobId, units)),
      );
  }

  /** This lease does not stand any more. */
  forget(leaseId: string): void {
    this.leases.delete(leaseId);
  }

  record(report: Of<'report'>, verdict: Verdict = 'accepted'): void {
    const verdicts = resultsIn(report).map(() => verdict);
    this.send({ type: 'recorded', report: report.id, verdicts: toVerdictRuns(verdicts) });
  }

  /** Answers what this session reported while `records` was false. */
  recordWithheld(): void {
    for (const report of this.withheld.splice(0)) this.record(report);
  }

  private meet(socket: WebSocket): void {
    if (this.closeCode !== null) {
      socket.close(this.closeCode, 'as told');
      return;
    }
    const session = this.sessions++;
    this.socket = socket;
    this.withheld = [];
    this.told.set(socket, new Set());
    const nonce = randomBytes(32);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.told.delete(socket);
      if (this.openWant?.socket === socket) this.openWant = null;
      this.look();
    });
    socket.on('message', (data) => {
      const frame: unknown = unpack(data as Buffer);
      for (const part of Array.isArray(frame) ? frame : [frame]) {
        const message = hostMessageSchema.parse(part);
        this.log.push({ session, message });
        if (message.type === 'hello') this.welcome(message, nonce);
        else this.answer(socket, message);
      }
      this.look();
    });
    const { protocol, gridId } = this;
    socket.send(pack({ type: 'challenge', protocol, gridId, nonce }));
  }

  private welcome(hello: Hello, nonce: Uint8Array): void {
    const isCertified = verifies(
      hello.accountKey,
      certificateBytes(hello.hostKey),
      hello.certificate,
    );
    const isSigned = verifies(hello.hostKey, sessionBytes(this.gridId, nonce), hello.signature);
    if (!isCertified || !isSigned) {
      this.socket?.close(4401, 'signature');
      return;
    }
    const presented = new Set(hello.leases.map(({ token }) => token));
    const held = [...this.leases].filter(([, { token }]) => presented.has(token));
    this.freeLost(presented);
    this.send({
      type: 'welcome',
      hostId: idFromBytes('h', hello.hostKey),
      accountId: idFromBytes('a', hello.accountKey),
      uploadToken: `upload-${this.sessions}`,
      renewEveryMs: this.renewEveryMs,
      heldLeases: held.map(([leaseId]) => leaseId),
      creditMicro: '0',
      units: 0,
    });
  }

  /** What a host no longer knows of will not come: a real coordinator lets such leases run out. */
  private freeLost(presented: ReadonlySet<string>): void {
    const reported = new Set(this.reported.map((r) => `${r.leaseId}/${r.result.unit}`));
    for (const [leaseId, lease] of this.leases) {
      if (presented.has(lease.token)) continue;
      for (const unit of lease.units.splice(0)) {
        if (!reported.has(`${leaseId}/${unit}`)) this.free.push({ jobId: lease.jobId, unit });
      }
    }
  }

  private answer(socket: WebSocket, message: HostMessage): void {
    if (message.type === 'want') {
      this.openWant = { socket, id: message.id, units: message.units };
      this.serveWant();
    } else if (message.type === 'report') {
      const [leaseId, lease] = this.leaseOf(message.token);
      for (const result of resultsIn(message)) {
        this.reported.push({ leaseId, jobId: lease.jobId, result });
      }
      if (this.records) this.record(message);
      else if (socket === this.socket) this.withheld.push(message);
    } else if (message.type === 'release') {
      const [, lease] = this.leaseOf(message.token);
      const isBack = (unit: number) => message.units.some(([at, n]) => unit >= at && unit < at + n);
      for (const unit of lease.units.filter(isBack)) this.free.push({ jobId: lease.jobId, unit });
      lease.units = lease.units.filter((unit) => !isBack(unit));
    }
  }

  private serveWant(): void {
    const want = this.openWant;
    if (want === null || !this.grants) return;
    const first = this.free[0];
    if (first === undefined) {
      const { id } = want;
      this.send({ type: 'noWork', want: id, reason: 'nothing_left', retryAfterMs: null });
      return;
    }
    const most = Math.min(want.units, this.unitsPerLeaseMax);
    const granted = this.free.filter(({ jobId }) => jobId === first.jobId).slice(0, most);
    this.free = this.free.filter((unit) => !granted.includes(unit));
    const units = granted.map(({ unit }) => unit);
    this.openWant = null;
    this.sendLeases(want.socket, want.id, [this.lease(first.jobId, units)]);
  }

  private lease(jobId: string, units: number[]): Lease {
    const leaseId = idFromBytes('l', randomBytes(10));
    const token = `token-of-${leaseId}`;
    this.leases.set(leaseId, { jobId, token, units: [...units] });
    const runs = units.map((unit): [number, number] => [unit, 1]);
    return { leaseId, token, jobId, units: runs, params: null, expiresInMs: 30_000 };
  }

  private sendLeases(socket: WebSocket, want: number, leases: Lease[]): void {
    const told = this.told.get(socket) ?? new Set();
    const news = new Set(leases.map(({ jobId }) => jobId).filter((id) => !told.has(id)));
    for (const id of news) told.add(id);
    const jobs = [...this.briefs.values()].filter(({ jobId }) => news.has(jobId));
    this.send({ type: 'lease', want, leases, jobs });
  }

  private leaseOf(token: string): [string, { jobId: string; units: number[] }] {
    const found = [...this.leases].find(([, lease]) => lease.token === token);
    if (found === undefined) throw new Error(`a token that was never given: ${token}`);
    return found;
  }

  private async serveHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const digest = request.url?.replace('/v1/artifacts/', '') ?? '';
    const { range } = request.headers;
    this.requests.push(`${request.method} ${digest}${range ? ` ${range}` : ''}`);
    if (request.method === 'PUT') await this.receive(digest, request, response);
    else this.give(digest, range, response);
    this.look();
  }

  private give(digest: string, range: string | undefined, response: ServerResponse): void {
    const bytes = this.artifacts.get(digest);
    if (bytes === undefined) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (this.serve(digest, bytes, from, response)) return;
    if (from >= bytes.length && from > 0) return void response.writeHead(416).end();
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
    response.end(bytes.subarray(from));
  }

  private async receive(
    digest: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const bytes = Buffer.concat(await request.toArray());
    if (this.uploadsFail) {
      const asked: Record<string, number> =
        this.retryAfter === null ? {} : { 'retry-after': this.retryAfter };
      return void response.writeHead(this.retryAfter === null ? 503 : 429, asked).end();
    }
    if (!request.headers.authorization?.startsWith('Bearer upload-')) {
      return void response.writeHead(401).end();
    }
    this.artifacts.set(digest, bytes);
    response.writeHead(201).end();
  }

  private look(): void {
    for (const one of [...this.waiting]) {
      if (!one.until()) continue;
      this.waiting.splice(this.waiting.indexOf(one), 1);
      one.resolve();
    }
  }
}

/** An Ed25519 signature by a raw public key: RFC 8410's twelve bytes make it one that Node reads. */
function verifies(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return verify(
    null,
    bytes,
    createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    signature,
  );
}

/** Every result of a report, one by one, in the order of its verdicts. */
function resultsIn({ successes, results }: Of<'report'>): HostResult[] {
  if (successes === null) return results;
  const rows = unpackSuccesses(successes);
  if (rows === null) throw new Error('the columns of a report do not fit each other');
  const plain = rows.map(({ unit, fuel, output }) => ({
    unit,
    outcome: 'success' as const,
    exitCode: 0,
    fuel,
    digest: createHash('sha256').update(output).digest(),
    output,
    detail: '',
    wallMs: successes.wallMs / rows.length,
  }));
  return [...plain, ...results];
}
