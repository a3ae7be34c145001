// A server that does nothing but answer, on a thread of its own: bare node:https, or bare koa.
import { createServer } from 'node:https';
import { parentPort, workerData } from 'node:worker_threads';
import Koa from 'koa';

const { kind, identity } = workerData;
const text = `${JSON.stringify({ name: 'bench.example.com', filler: 'x'.repeat(4000) })}\n`;
const app = new Koa();
app.use((context) => {
  context.set('Content-Type', 'application/json');
  context.body = context.path === '/version' ? '2\n' : text;
});
const bare = (request, answer) => {
  answer.setHeader('Content-Type', 'application/json');
  answer.end(request.url === '/version' ? '2\n' : text);
};
const server = createServer(identity, kind === 'koa' ? app.callback() : bare);
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
