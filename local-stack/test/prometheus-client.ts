/** The few calls of Prometheus' HTTP API that the live test needs. */

const TIMEOUT_MS = 10_000;

interface LiveRule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}

export class PrometheusClient {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** @returns how many series have a number now; rejects with what Prometheus says of a malformed expression */
  async countNumbers(expr: string): Promise<number> {
    const { result } = await this.#get<{ result: { value: [number, string] }[] }>('query', { query: expr });
    // 0/0 is what there is where nothing happens: no data for whoever looks at the graph.
    return result.filter(({ value: [, value] }) => Number.isFinite(Number(value))).length;
  }

  labelValues(selector: string, label: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': selector });
  }

  async rules(): Promise<readonly LiveRule[]> {
    const { groups } = await this.#get<{ groups: { rules: LiveRule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  /** Names of the alerts that fire. */
  async firing(): Promise<readonly string[]> {
    const rules = await this.rules();
    return rules.filter(({ state }) => state === 'firing').map(({ name }) => name);
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const url = `${this.#origin}/api/v1/${path}?${new URLSearchParams(parameters)}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${url}: ${answer.error}`);
    return answer.data;
  }
}
