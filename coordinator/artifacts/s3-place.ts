/** Where in S3 artifacts are kept: `s3://bucket/prefix`. Endpoint, region and credentials are the SDK's to find. */

export type S3Place = {
  bucket: string;
  /** What all keys begin with: '' or a path that ends in a slash. */
  prefix: string;
  /** As it is written in messages. */
  url: string;
};

/** As AWS has it; others take more, and none takes less. */
const bucketForm = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** What needs no escaping anywhere. */
const segmentForm = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Null when it is not of that form. */
export function parseS3Place(text: string): S3Place | null {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)(?:\/(.*?))?\/?$/.exec(text) ?? [];
  if (!bucketForm.test(bucket)) return null;
  if (path === '') return { bucket, prefix: '', url: `s3://${bucket}` };
  if (!path.split('/').every((segment) => segmentForm.test(segment))) return null;
  return { bucket, prefix: `${path}/`, url: `s3://${bucket}/${path}` };
}
