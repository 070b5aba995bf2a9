/** The wire's version. A host offers it as the WebSocket subprotocol; another number is refused. */
export const protocolVersion = 1;
export const subprotocol = `manyhands.${protocolVersion}`;
