/** Puts access logs into S3 as moto keeps it, past the gateway: nobody's identity, as with AWS's own delivery. */
import type { MotoClient } from '../gateway/moto-client.ts';

const DELIVERY_TIMEOUT_MS = 5_000;

/** @returns a function that throws when the bucket is missing, or moto does not take the object in time */
export function createLogObjectWriter(
  moto: MotoClient,
  region: string,
): (bucket: string, key: string, body: Buffer) => Promise<void> {
  const scope = `EMBEDDED/20260101/${region}/s3/aws4_request`;
  return async (bucket, key, body) => {
    const url = `/${encodeURIComponent(bucket)}/${key.split('/').map(encodeURIComponent).join('/')}`;
    const rawHeaders = [
      ...['Authorization', `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`],
      ...['Content-Type', 'application/gzip'],
    ];
    const sending = moto.send({ method: 'PUT', url, rawHeaders, body }).then(async (answer) => {
      const text = await answer.body.text();
      if (answer.statusCode >= 300)
        throw new Error(`S3 answered ${answer.statusCode}: ${text.slice(0, 200)}`);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`no answer of S3 within ${DELIVERY_TIMEOUT_MS} ms`));
      timer = setTimeout(fail, DELIVERY_TIMEOUT_MS);
    });
    try {
      await Promise.race([sending, late]);
    } finally {
      clearTimeout(timer);
      sending.catch(() => undefined);
    }
  };
}
