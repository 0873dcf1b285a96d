/**
 * The local HTTP server of one listener. It holds its port from the start; until it is wired to a listener
 * it closes every connection, as a load balancer without that listener refuses them.
 * HTTPS listeners are served as plain HTTP here, with `X-Forwarded-Proto: https`: there is no certificate
 * that a browser on this computer would trust, and targets see the same headers either way.
 */
import http from 'node:http';
import type { Socket } from 'node:net';
import type { ListenerAction, ListenerWiring } from '../contract.ts';
import {
  type BalancerAnswer,
  renderErrorPage,
  renderFixedResponse,
  renderRawAnswer,
  renderRedirect,
} from './balancer-answer.ts';
import { Exchange, sendAnswer } from './exchange.ts';
import { type ListenerFacts, MAX_HEADER_BYTES, type TargetChoice } from './forwarding.ts';
import { bindStablePort } from './stable-port.ts';
import type { TargetGroup } from './target-group.ts';
import { openTunnel } from './upgrade-tunnel.ts';
import { WeightedTurns } from './weighted-turns.ts';

const MAX_CONNECTIONS = 10_000;

/** What the server asks of the plane it belongs to. */
export interface ListenerSurroundings {
  group(arn: string): TargetGroup | undefined;
  /** Local port of another listener of the same load balancer. */
  localPortOf(listenerPort: number): number | undefined;
}

interface Wired {
  readonly listener: ListenerWiring;
  readonly facts: ListenerFacts;
  readonly surroundings: ListenerSurroundings;
  readonly choose: TargetChoice;
}

export class ListenerServer {
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();
  readonly #exchanges = new WeakMap<Socket, Exchange>();
  #port = 0;
  #wired: Wired | undefined;

  /** Listens on the stable port of the name, or the next free one. */
  static async open(basePort: number, name: string): Promise<ListenerServer> {
    const opened = new ListenerServer();
    opened.#port = await bindStablePort(basePort, name, (port) => listen(opened.#server, port));
    return opened;
  }

  private constructor() {
    const server = http.createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0, noDelay: true });
    this.#server = server;
    server.maxConnections = MAX_CONNECTIONS;
    server.on('connection', (socket) => {
      if (this.#wired === undefined) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true));
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as Socket, head));
    server.on('timeout', (socket) => {
      const exchange = this.#exchanges.get(socket);
      if (exchange === undefined) socket.destroy();
      else exchange.onClientIdle();
    });
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end(renderRawAnswer(renderErrorPage(400)));
      else socket.destroy();
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Takes effect with the next request; connections and requests in flight stay as they are. */
  wire(listener: ListenerWiring, idleTimeoutSeconds: number, surroundings: ListenerSurroundings): void {
    const idleTimeoutMs = idleTimeoutSeconds * 1000;
    this.#server.timeout = idleTimeoutMs;
    this.#server.keepAliveTimeout = idleTimeoutMs;
    this.#server.headersTimeout = idleTimeoutMs;
    if (this.#wired?.facts.idleTimeoutMs === idleTimeoutMs && sameWiring(this.#wired.listener, listener))
      return;
    const protocol = listener.protocol === 'HTTPS' ? 'https' : 'http';
    this.#wired = {
      listener,
      facts: { port: listener.port, protocol, idleTimeoutMs },
      surroundings,
      choose: renderChoice(listener.defaultAction, surroundings),
    };
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

  #destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onRequest(request: http.IncomingMessage, response: http.ServerResponse, expectsContinue: boolean): void {
    const wired = this.#wired;
    if (wired === undefined) {
      request.socket.destroy();
      return;
    }
    const own = ownAnswer(request, wired);
    if (own !== undefined) {
      sendAnswer(request, response, own);
      return;
    }
    const exchange = new Exchange(request, response, wired.facts, wired.choose);
    const { socket } = request;
    this.#exchanges.set(socket, exchange);
    response.once('close', () => {
      // A pipelined request may have taken the place already.
      if (this.#exchanges.get(socket) === exchange) this.#exchanges.delete(socket);
    });
    exchange.start(expectsContinue);
  }

  #onUpgrade(request: http.IncomingMessage, socket: Socket, head: Buffer): void {
    const wired = this.#wired;
    if (wired === undefined) {
      socket.destroy();
      return;
    }
    const own = ownAnswer(request, wired);
    if (own === undefined) {
      openTunnel(request, socket, head, wired.facts, wired.choose);
      return;
    }
    socket.on('error', () => socket.destroy());
    socket.end(renderRawAnswer(own));
  }
}

/** What needs no target, or undefined when the request is to be forwarded. */
function ownAnswer(request: http.IncomingMessage, wired: Wired): BalancerAnswer | undefined {
  const { listener, facts, surroundings } = wired;
  if (request.method === 'TRACE') return renderErrorPage(405);
  switch (listener.defaultAction.type) {
    case 'forward':
      return undefined;
    case 'fixed-response':
      return renderFixedResponse(listener.defaultAction);
    case 'redirect': {
      const from = { host: request.headers.host ?? '', url: request.url ?? '/', ...facts };
      return renderRedirect(listener.defaultAction, from, (port) => surroundings.localPortOf(port));
    }
  }
}

function renderChoice(action: ListenerAction, surroundings: ListenerSurroundings): TargetChoice {
  if (action.type !== 'forward') return () => undefined;
  const turns = new WeightedTurns(action.targets);
  return () => {
    const chosen = turns.next();
    return chosen === undefined ? undefined : surroundings.group(chosen.targetGroupArn)?.next();
  };
}

function sameWiring(a: ListenerWiring, b: ListenerWiring): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns false when the port is taken */
function listen(server: http.Server, port: number): Promise<boolean> {
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
    server.listen({ port, host: '127.0.0.1', backlog: 1024 });
  });
}
