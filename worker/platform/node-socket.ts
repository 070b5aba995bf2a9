/**
 * A WebSocket that cannot hang. TCP notices a vanished peer after a quarter of an hour; here a ping
 * goes out every 15 s, and 40 s without any sign of life (two pings unanswered, and one slow GC)
 * count as a lost connection.
 */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { type ErrorBody, errorBodySchema, errorFacts } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { subprotocol } from '../../protocol/version.ts';
import type { Socket, SocketEvents } from './platform.ts';

/** Two pings unanswered, and a slow one: the coordinator hangs up after as long. */
const pingEveryMs = 15_000;
const silenceMaxMs = 40_000;
/** A slow mobile network with a captive proxy in between answers within this, or not at all. */
const handshakeTimeoutMs = 15_000;
/** It comes with the status, in a few hundred characters. */
const refusalMsMax = 2000;
const refusalCharsMax = 4096;

export function openNodeSocket(url: string, events: SocketEvents): Socket {
  const socket = new WebSocket(url, [subprotocol], {
    maxPayload: limits.frameBytesMax,
    // Outputs are hashes and numbers: they do not compress, and a deflate context costs 300 KiB.
    perMessageDeflate: false,
    handshakeTimeout: handshakeTimeoutMs,
  });
  socket.binaryType = 'nodebuffer';
  let heardAt = performance.now();
  let failure = '';
  let refusedWith: number | null = null;
  let retryAfterMs: number | null = null;
  const heard = () => {
    heardAt = performance.now();
  };
  const pulse = setInterval(() => {
    if (performance.now() - heardAt > silenceMaxMs) {
      failure = `nothing heard for ${silenceMaxMs / 1000} s`;
      socket.terminate();
    } else if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, pingEveryMs);

  socket.on('open', () => {
    heard();
    events.opened();
  });
  socket.on('ping', heard);
  socket.on('pong', heard);
  socket.on('message', (data) => {
    heard();
    events.frame(data as Buffer);
  });
  socket.on('unexpected-response', (_request, response) => {
    failure = `HTTP ${response.statusCode}`;
    // A coordinator of another protocol refuses the upgrade. Anything else may be a proxy's doing.
    if (response.statusCode === 426) refusedWith = errorFacts('protocol_unknown').closeCode;
    void refusalIn(response).then((refusal) => {
      failure = refusal?.message ?? failure;
      retryAfterMs = refusal?.retryAfterMs ?? null;
      socket.terminate();
    });
  });
  socket.on('error', (error) => {
    // A coordinator that does not speak our protocol selects none, and ws ends the handshake there.
    if (/subprotocol/.test(error.message)) refusedWith = errorFacts('protocol_unknown').closeCode;
    failure ||= error.message || ('code' in error ? String(error.code) : error.name);
  });
  socket.on('close', (code, reason) => {
    clearInterval(pulse);
    events.closed(refusedWith ?? code, reason.toString() || failure, retryAfterMs);
  });
  return {
    send: (bytes) => socket.send(bytes),
    close: (code, reason) => {
      socket.close(code, reason);
      // The closing handshake is a courtesy: a peer that does not answer it is not waited for.
      setTimeout(() => socket.terminate(), 1000).unref();
    },
  };
}

/** What a coordinator says that lets nobody in; null when it is no coordinator's, or does not come. */
async function refusalIn(response: IncomingMessage): Promise<ErrorBody['error'] | null> {
  const late = setTimeout(() => response.destroy(), refusalMsMax);
  let text = '';
  try {
    for await (const part of response.setEncoding('utf8')) {
      text += part;
      if (text.length > refusalCharsMax) break;
    }
    return errorBodySchema.parse(JSON.parse(text)).error;
  } catch {
    return null;
  } finally {
    clearTimeout(late);
  }
}
