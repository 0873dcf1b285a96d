/** What the embedded AWS says of itself on `/_local/status`. */
import type { EmbeddedAws } from '../fixtures/embedded-aws.ts';

const POLL_MS = 250;

export interface LocalEnvironment {
  readonly cluster: string;
  readonly url?: string;
  readonly running: number;
  readonly tasks: readonly {
    readonly id: string;
    readonly zone: string;
    readonly lastStatus: string;
    readonly health?: string;
  }[];
}

export async function localEnvironment(
  { endpoint }: Pick<EmbeddedAws, 'endpoint'>,
  cluster: string,
): Promise<LocalEnvironment | undefined> {
  const response = await fetch(`${endpoint}/_local/status`);
  const { environments } = (await response.json()) as { environments: readonly LocalEnvironment[] };
  return environments.find((one) => one.cluster === cluster);
}

/** @throws Error with the last answer when it does not become so in time */
export async function untilLocal(
  aws: Pick<EmbeddedAws, 'endpoint'>,
  cluster: string,
  good: (environment: LocalEnvironment) => boolean,
  limitMs: number,
): Promise<LocalEnvironment> {
  const deadline = Date.now() + limitMs;
  let last: LocalEnvironment | undefined;
  while (Date.now() < deadline) {
    last = await localEnvironment(aws, cluster);
    if (last && good(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`not so within ${limitMs} ms: ${JSON.stringify(last)}`);
}
