/** For tests: a stack of real processes on a small service of its own, in a temporary folder, on ports that are free. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decideLiveness, type ProcessIdentity } from '../../local-aws/src/state/process-identity.ts';
import type { Component, DevService, StackEvent, StackOptions, StackStatus } from '../src/contract.ts';
import { findFreePort } from '../src/free-port.ts';
import { startStack } from '../src/start-stack.ts';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const WAIT_LIMIT_MS = 30_000;
const POLL_MS = 50;
const FIRST_PORT = 24_000;

export const SERVER = (answer: string) => `
import { createServer } from 'node:http';
const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(request.url === '/env' ? JSON.stringify(process.env) : ${JSON.stringify(answer)});
});
server.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

export class RunningStack {
  readonly folder = mkdtempSync(join(tmpdir(), 'local-stack-'));
  readonly source = join(this.folder, 'source');
  readonly localAwsDir = join(this.folder, 'local');
  readonly stateDir = join(this.folder, 'stack');
  readonly events: StackEvent[] = [];
  status: StackStatus | undefined;
  #stop: () => Promise<void> = async () => undefined;
  #known: readonly ProcessIdentity[] = [];

  constructor() {
    mkdirSync(this.source);
    mkdirSync(this.localAwsDir);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.source, file), text);
  }

  async start(
    changes: Partial<Omit<StackOptions, 'service'>> & { readonly service?: Partial<DevService> } = {},
  ): Promise<StackStatus> {
    const stack = startStack(
      {
        stateDir: this.stateDir,
        localAwsDir: this.localAwsDir,
        project: 'shop',
        runner: 'native',
        engine: undefined,
        home: HOME,
        variables: process.env,
        ...changes,
        service: {
          name: 'shop',
          folder: this.source,
          // Tests run side by side.
          port: await findFreePort(FIRST_PORT + Math.floor(Math.random() * 1000)),
          healthPath: '/',
          build: undefined,
          command: ['node', 'server.mjs'],
          environment: {},
          secrets: [],
          ...changes.service,
        },
      },
      (event) => this.events.push(event),
    );
    this.#stop = stack.stop;
    this.status = await stack.ready;
    return this.status;
  }

  /** What it says of itself now, on its control port. */
  async now(): Promise<StackStatus> {
    const { url } = JSON.parse(readFileSync(join(this.stateDir, 'stack.json'), 'utf8')) as { url: string };
    return (await (await fetch(`${url}/status`)).json()) as StackStatus;
  }

  /** Those that it has written down and that run. */
  processes(): readonly number[] {
    try {
      const text = readFileSync(join(this.stateDir, 'children.json'), 'utf8');
      this.#known = JSON.parse(text) as readonly ProcessIdentity[];
    } catch {
      // Not yet, or not any more.
    }
    return this.#known.filter((child) => decideLiveness(child) === 'alive').map(({ pid }) => pid);
  }

  component(name: Component['name']): Component {
    const found = this.status?.components.find((component) => component.name === name);
    if (found === undefined) throw new Error(`no component ${name}`);
    return found;
  }

  url(name: Component['name']): string {
    const { url, detail } = this.component(name);
    if (url === undefined) throw new Error(`${name} has no URL: ${detail}`);
    return url;
  }

  reloads(): readonly Extract<StackEvent, { type: 'reload' }>[] {
    return this.events.filter((event) => event.type === 'reload');
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks until the answer is one that is waited for; the last answer is in the error. */
export async function eventually<T>(ask: () => Promise<T> | T, isRight: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`not within ${WAIT_LIMIT_MS / 1000} s: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** On a connection of its own: one that is kept may be closed by its server at any moment. */
export async function textOf(url: string): Promise<string> {
  return (await fetch(url, { headers: { connection: 'close' } })).text();
}
