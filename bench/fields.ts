/**
 * What the last line of a bench has with --json, as others read it. More fields are welcome; none of these may change. The benches
 * are held to it by their types (index.ts).
 */

/** It says what it does while it runs. */
export type Bench<Measured extends object = object> = {
  summary: string;
  run(say: (line: string) => void): Promise<Measured>;
};

export type PromisedBenches = {
  /** CPU is server and Redis together. */
  throughput: Bench<{
    cases: {
      leaseUnits: number;
      unitsPerSecond: number;
      cpuMicrosPerUnit: number;
      bullmqUnitsPerSecond: number;
      bullmqCpuMicrosPerUnit: number;
      ratioCpu: number;
    }[];
  }>;
  sandbox: Bench<{
    /** `wasmOverNative` is null without a compiler. */
    kernels: { name: string; meteredOverUnmetered: number; wasmOverNative: number | null }[];
    geomeanMetered: number;
    geomeanNative: number | null;
    tinyUnitsPerSecond: number;
    meterMiBPerSecond: number;
  }>;
  trust: Bench<{
    scenarios: {
      name: string;
      policy: string;
      wrongPerMillion: number;
      overhead: number;
      units: number;
    }[];
    seconds: number;
  }>;
  hosts: Bench<{ hosts: number; rssBytesPerHost: number; leaseMsP50: number; leaseMsP99: number }>;
  recovery: Bench<{
    takeoverSeconds: number;
    acknowledged: number;
    lost: number;
    paidTwice: number;
  }>;
  million: Bench<{
    units: number;
    coordinatorRssBytesMax: number;
    redisBytesMax: number;
    seconds: number;
    streamRssBytesMax: number;
  }>;
  chaos: Bench<{
    minutes: number;
    kills: number;
    acknowledged: number;
    lost: number;
    paidTwice: number;
    violations: string[];
  }>;
};
