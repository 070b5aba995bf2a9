/** The wire's version. A host offers it as the WebSocket subprotocol; another number is refused. */
export const protocolVersion = 1;
export const subprotocol = `manyhands.${protocolVersion}`;

/** Where the WebSocket is, below the coordinator's address. */
export const sessionPath = '/v1/session';
