// A small target for the benchmark: node upstream.mjs ADDRESS PORT. Prints a line when it listens.
import { createServer } from 'node:http';

const [address = '127.0.0.1', port = '0'] = process.argv.slice(2);
const body = Buffer.from('hello from the target\n');
const server = createServer((_, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), address, () => process.stdout.write('ready\n'));
process.stdin.resume().once('end', () => process.exit(0));
