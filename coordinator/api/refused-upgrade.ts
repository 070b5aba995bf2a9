/** What a WebSocket's client gets that is not let in: what any request gets that is refused, written by hand. */
import { STATUS_CODES } from 'node:http';
import { errorBody, errorFacts, type GridError } from '../../protocol/errors.ts';

export function refusedUpgrade(refusal: GridError): string {
  const body = JSON.stringify(errorBody(refusal));
  const { retryAfterMs } = refusal;
  const { httpStatus } = errorFacts(refusal.code);
  const lines = [
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(retryAfterMs === null ? [] : [`retry-after: ${Math.ceil(retryAfterMs / 1000)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
