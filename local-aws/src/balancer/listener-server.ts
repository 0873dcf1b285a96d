/**
 * The local server of one listener. It holds its port from the start; until it is wired to a listener
 * it closes every connection, as a load balancer without that listener refuses them.
 * HTTPS listeners are served as plain HTTP here, with `X-Forwarded-Proto: https`: there is no certificate
 * that a browser on this computer would trust, and targets see the same headers either way.
 */
import net, { type Socket } from 'node:net';
import type { ListenerAction, ListenerWiring } from '../contract.ts';
import { ClientConnection } from './client-connection.ts';
import type { Decision, ListenerFacts, ListenerWork, TargetChoice } from './forwarding.ts';
import { compileRules } from './listener-rules.ts';
import type { LocalPorts } from './local-ports.ts';
import type { RequestRecord } from './request-record.ts';
import type { TargetGroup } from './target-group.ts';
import { renderListenerLines } from './target-head.ts';
import { WeightedTurns } from './weighted-turns.ts';

const MAX_CONNECTIONS = 10_000;
const BACKLOG = 1024;

/** What the server asks of the plane it belongs to. */
export interface ListenerSurroundings {
  group(arn: string): TargetGroup | undefined;
  /** Local port of another listener of the same load balancer. */
  localPortOf(listenerPort: number): number | undefined;
  report(record: RequestRecord): void;
  /** A request that could not even be read was answered with this. */
  refused(status: number): void;
  connected(): void;
}

interface Wired {
  readonly listener: ListenerWiring;
  readonly idleTimeoutMs: number;
  readonly work: ListenerWork;
  readonly connected: () => void;
}

export class ListenerServer {
  readonly #server: net.Server;
  readonly #sockets = new Set<Socket>();
  /** Its local port is remembered under it. */
  readonly name: string;
  #port = 0;
  #wired: Wired | undefined;

  static async open(ports: LocalPorts, name: string): Promise<ListenerServer> {
    const opened = new ListenerServer(name);
    opened.#port = await ports.bind(name, (port) => listen(opened.#server, port));
    return opened;
  }

  private constructor(name: string) {
    this.name = name;
    // Half open: a client that has said all gets its answer before the connection ends.
    const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
    this.#server = net.createServer(options, (socket) => this.#onConnection(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes effect with the next request; connections and requests in flight stay as they are. */
  wire(listener: ListenerWiring, idleTimeoutSeconds: number, surroundings: ListenerSurroundings): void {
    const idleTimeoutMs = idleTimeoutSeconds * 1000;
    if (this.#wired?.idleTimeoutMs === idleTimeoutMs && sameWiring(this.#wired.listener, listener)) return;
    const protocol = listener.protocol === 'HTTPS' ? 'https' : 'http';
    const { port } = listener;
    const forwardedLines = renderListenerLines(protocol, port);
    const facts: ListenerFacts = { port, protocol, idleTimeoutMs, forwardedLines };
    this.#wired = {
      listener,
      idleTimeoutMs,
      work: {
        facts,
        decide: compileDecisions(listener, surroundings),
        localPortOf: (port) => surroundings.localPortOf(port),
        report: (record) => surroundings.report(record),
        refused: (status) => surroundings.refused(status),
      },
      connected: () => surroundings.connected(),
    };
    for (const socket of this.#sockets) socket.setTimeout(idleTimeoutMs);
  }

  /** Keeps the port, and ends all connections. */
  unwire(): void {
    this.#wired = undefined;
    this.#destroySockets();
  }

  async close(): Promise<void> {
    this.#wired = undefined;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#destroySockets();
    await closed;
  }

  #onConnection(accepted: Socket): void {
    const wired = this.#wired;
    if (wired === undefined) {
      accepted.destroy();
      return;
    }
    const { socket } = new ClientConnection(accepted, () => this.#wired?.work);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(wired.idleTimeoutMs);
    wired.connected();
  }

  #destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function compileDecisions(
  listener: ListenerWiring,
  surroundings: ListenerSurroundings,
): ListenerWork['decide'] {
  const byDefault = compileDecision(0, listener.defaultAction, surroundings);
  const { rules = [] } = listener;
  if (rules.length === 0) return () => byDefault;
  const match = compileRules(rules);
  const byRule = new Map(
    rules.map((rule) => [rule, compileDecision(rule.priority, rule.action, surroundings)]),
  );
  return (head, clientAddress) => {
    const rule = match({ head, clientAddress });
    return (rule && byRule.get(rule)) ?? byDefault;
  };
}

function compileDecision(
  priority: number,
  action: ListenerAction,
  surroundings: ListenerSurroundings,
): Decision {
  return { priority, action, choose: compileChoice(action, surroundings) };
}

function compileChoice(action: ListenerAction, surroundings: ListenerSurroundings): TargetChoice {
  if (action.type !== 'forward') return () => undefined;
  const turns = new WeightedTurns(action.targets);
  return () => {
    const chosen = turns.next();
    if (chosen === undefined) return undefined;
    const { targetGroupArn } = chosen;
    return { targetGroupArn, target: surroundings.group(targetGroupArn)?.next() };
  };
}

function sameWiring(a: ListenerWiring, b: ListenerWiring): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns false when the port is taken */
function listen(server: net.Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(true);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ port, host: '127.0.0.1', backlog: BACKLOG });
  });
}
