/**
 * What the agent needs from the machine it runs on, and nothing more: keys, a digest, a place for
 * bytes, a socket, and how much of the machine may be used. Node is behind it today; a browser fits
 * behind the same words (IndexedDB, WebSocket, WebCrypto), which is why everything waits.
 *
 * What both have in common is used directly: timers, `performance`, `fetch`, `crypto`.
 */
export interface Platform {
  kind: 'node' | 'browser';
  /** Cores this process may use: a container's limit counts, not the machine's. */
  cores: number;
  memoryBytes: number;
  sha256(bytes: Uint8Array): Promise<Uint8Array>;
  keys: Keys;
  /** The place where this worker keeps its things. `PlaceUnusable` when another worker has it. */
  openStorage(place: string): Promise<Storage>;
  openSocket(url: string, events: SocketEvents): Socket;
}

/** An Ed25519 key. Its PEM (PKCS #8) is what a person may carry to another machine. */
export interface SigningKey {
  pem: string;
  /** The raw 32 bytes. */
  publicKey: Uint8Array;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

export interface Keys {
  create(): Promise<SigningKey>;
  /** Throws when the text is no Ed25519 key. */
  open(pem: string): Promise<SigningKey>;
}

/** A place that a person has to do something about: the message says what, and in which words. */
export class PlaceUnusable extends Error {
  override readonly name = 'PlaceUnusable';
}

export interface StoredFile {
  name: string;
  bytes: number;
  usedAtMs: number;
}

/** Files by names like `artifacts/3f…`, private to this person, for one worker at a time. */
export interface Storage {
  read(name: string): Promise<Uint8Array | null>;
  /** All of it or nothing, and on the disk when it resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Opens for adding at the end; makes the file when it is not there. */
  openAppend(name: string): Promise<AppendFile>;
  rename(name: string, target: string): Promise<void>;
  remove(name: string): Promise<void>;
  list(folder: string): Promise<StoredFile[]>;
  /** Notes that the file was used now. */
  touch(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface AppendFile {
  append(bytes: Uint8Array): Promise<void>;
  /** What was appended is on the disk when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Socket {
  send(bytes: Uint8Array): void;
  /** Ends it at once on this side; `closed` follows. */
  close(code: number, reason: string): void;
}

/** A socket notices a silent peer by itself and closes with 1006, as when the cable is pulled. */
export interface SocketEvents {
  opened(): void;
  frame(bytes: Uint8Array): void;
  /** Once, and last. `reason` is for a human; `retryAfterMs`, when it is set, is the soonest that is welcome. */
  closed(code: number, reason: string, retryAfterMs?: number | null): void;
}
