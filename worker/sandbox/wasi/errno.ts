/**
 * WASI's error numbers, and how a call says one. A call that cannot do what it is asked refuses;
 * the edge of the import object (`imports.ts`) turns the refusal into the call's return value. So
 * every call reads top-down without error plumbing, and a refusal never leaves the sandbox.
 */
export const errno = {
  success: 0,
  badDescriptor: 8,
  busy: 10,
  exists: 20,
  fault: 21,
  fileTooLarge: 22,
  illegalBytes: 25,
  invalid: 28,
  isDirectory: 31,
  tooManyLinks: 32,
  tooManyDescriptors: 33,
  nameTooLong: 37,
  noEntry: 44,
  noSpace: 51,
  notSupported: 52,
  notDirectory: 54,
  notEmpty: 55,
  notSocket: 57,
  notPermitted: 63,
  notSeekable: 70,
  notCapable: 76,
} as const;
export type Errno = (typeof errno)[keyof typeof errno];

/** Not an Error: kernels probe for files by the thousand, and a stack trace costs more than a call. */
export class Refusal {
  readonly errno: Errno;
  constructor(code: Errno) {
    this.errno = code;
  }
}

export function refuse(code: Errno): never {
  throw new Refusal(code);
}
