/** Configurations of haproxy and nginx for the benchmark, as plain as ours, and the reading of wrk's report. Pure. */

export function haproxyConfiguration(port: number, upstreams: readonly string[]): string {
  const servers = upstreams.map((upstream, i) => `  server t${i} ${upstream} check inter 5s`);
  return [
    'global',
    '  maxconn 4000',
    'defaults',
    '  mode http',
    '  timeout connect 10s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  option forwardfor',
    '  http-reuse safe',
    'frontend web',
    `  bind 127.0.0.1:${port}`,
    '  default_backend targets',
    'backend targets',
    '  balance roundrobin',
    ...servers,
    '',
  ].join('\n');
}

export function nginxConfiguration(port: number, upstreams: readonly string[], folder: string): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.log;
events { worker_connections 4000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream targets {
    ${upstreams.map((upstream) => `server ${upstream};`).join(' ')}
    keepalive 64;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://targets;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Port $server_port;
    }
  }
}
`;
}

export interface WrkReport {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** @throws Error when the text is no report of `wrk --latency` */
export function parseWrk(text: string): WrkReport {
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text);
  const p99 = /99%\s+([\d.]+)(us|ms|s)\b/.exec(text);
  if (rate === null || p99 === null) throw new Error(`wrk printed no rate and p99: ${text}`);
  const unitMs = { us: 0.001, ms: 1, s: 1000 }[p99[2] as 'us' | 'ms' | 's'];
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const broken = (socketErrors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0);
  return { requestsPerSecond: Number(rate[1]), p99Ms: Number(p99[1]) * unitMs, failures: bad + broken };
}
