/**
 * The address that a request came from. A proxy on the same machine says for whom it asks, in the last
 * entry of X-Forwarded-For; what anybody else says there is hearsay.
 */
import type { IncomingMessage } from 'node:http';

export function peerAddress({ socket, headers }: IncomingMessage): string {
  const address = socket.remoteAddress ?? '';
  const isLocal = /^(?:(?:::ffff:)?127\.|::1$)/.test(address);
  const forwarded = isLocal ? headers['x-forwarded-for'] : undefined;
  return (
    String(forwarded ?? '')
      .split(',')
      .at(-1)
      ?.trim() || address
  );
}
