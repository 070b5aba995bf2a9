/** Why a bucket cannot be used, for whoever starts a coordinator: what S3 said, and what to do. */

export class S3Unusable extends Error {
  readonly place: string;
  readonly remedy: string;

  constructor(place: string, cause: unknown) {
    const { name, status, message } = factsOf(cause);
    const found = reasons.find(({ is }) => is(name, status));
    // Without its cause: the SDK's errors hold the request, with its signature.
    super(found?.why ?? (name === 'Error' ? message : `${name}: ${message}`));
    this.place = place;
    this.remedy = found?.remedy ?? usual;
  }
}

const usual =
  'look whether the server runs and is reached from here, and at AWS_ENDPOINT_URL_S3 and AWS_REGION';

type Reason = { is(name: string, status: number): boolean; why?: string; remedy: string };

const reasons: Reason[] = [
  {
    is: (name) => name === 'CredentialsProviderError',
    why: 'there are no credentials',
    remedy:
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role that may use the bucket',
  },
  {
    is: (name) => name === 'NoSuchBucket',
    why: 'there is no such bucket',
    remedy: 'make it, or name another one with --artifacts',
  },
  {
    is: (name, status) => name === 'PermanentRedirect' || status === 301,
    why: 'the bucket is in another region',
    remedy: 'set AWS_REGION to the region of the bucket',
  },
  {
    is: (_, status) => status === 401 || status === 403,
    remedy:
      'these credentials need s3:GetObject, s3:PutObject and s3:DeleteObject below it, and s3:ListBucket of the bucket',
  },
  {
    is: (name) => name === 'RegionMissing',
    why: 'there is no region',
    remedy: 'set AWS_REGION: that of the bucket, or us-east-1 where the server knows of none',
  },
];

/** An AggregateError of all addresses that were tried says nothing itself. */
function factsOf(cause: unknown): { name: string; status: number; message: string } {
  if (!(cause instanceof Error)) return { name: 'Error', status: 0, message: String(cause) };
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const { message } = first instanceof Error ? first : cause;
  const { $metadata } = cause as { $metadata?: { httpStatusCode?: number } };
  const name = message.startsWith('Region is missing') ? 'RegionMissing' : cause.name;
  return {
    name: name === 'AggregateError' ? 'Error' : name,
    status: $metadata?.httpStatusCode ?? 0,
    message,
  };
}
