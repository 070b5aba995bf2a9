/**
 * The Content-Security-Policy to serve `thread-main.js` with. A worker has the policy of its own
 * response: this one lets it load our modules and compile WebAssembly, and connect to nothing.
 */
export const webThreadPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
