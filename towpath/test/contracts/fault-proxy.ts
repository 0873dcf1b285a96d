/** A proxy before moto that answers chosen requests with an error, before or after moto has seen them. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault =
  /** moto never sees the request. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** moto does what was asked, and its answer is lost. */
  | { readonly kind: 'answer lost' };

export interface FaultProxy {
  readonly endpoint: string;
  /** What goes wrong with a request, by its number since the last `plan`, from 1, and its method. */
  plan(decide: (number: number, method: string) => Fault | undefined): void;
  /** Requests since the last `plan`. */
  readonly seen: readonly string[];
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let decide: (number: number, method: string) => Fault | undefined = () => undefined;
  let seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const fault = decide(seen.length, incoming.method ?? '');
    if (fault?.kind === 'refused') refuse(incoming, outgoing, fault);
    else forward(target, incoming, outgoing, fault !== undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan(next) {
      decide = next;
      seen = [];
    },
    get seen() {
      return seen;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refuse(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, code }: Extract<Fault, { kind: 'refused' }>,
): void {
  incoming.resume().once('end', () => {
    const isJson = incoming.headers['x-amz-target'] !== undefined;
    const body = isJson
      ? JSON.stringify({ __type: `com.amazonaws.dynamodb#${code}`, message: 'injected' })
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
    const type = isJson ? 'application/x-amz-json-1.0' : 'application/xml';
    outgoing.writeHead(status, { 'content-type': type }).end(body);
  });
}

function forward(target: string, incoming: IncomingMessage, outgoing: ServerResponse, lose: boolean): void {
  const { hostname, port } = new URL(target);
  const { method, headers } = incoming;
  const onward = request({ hostname, port, path: incoming.url, method, headers }, (answer) => {
    if (lose) {
      answer.resume().once('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.once('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
