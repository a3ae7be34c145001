// A client on a thread of its own: reads an address some times, and meanwhile asks for another one all the time.
import { Agent, request } from 'node:https';
import { parentPort, workerData } from 'node:worker_threads';

const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 1 });
const other = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 1 });

function read({ url, method = 'GET', body }, using) {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const headers = body ? { 'content-type': 'application/json' } : {};
    const authorization = `Basic ${Buffer.from('admin:x').toString('base64')}`;
    const sent = request(url, { method, agent: using, headers: { ...headers, authorization } }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk) => {
        bytes += chunk.length;
      });
      answer.on('end', () => resolve({ ms: performance.now() - begin, bytes, status: answer.statusCode }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const { big, small, times } = workerData;
await read(small, other);
const reads = [];
const pings = [];
let isOver = false;
const pinging = (async () => {
  while (!isOver) pings.push((await read(small, other)).ms);
})();
for (let time = 0; time < times; time++) reads.push(await read(big, agent));
isOver = true;
await pinging;
agent.destroy();
other.destroy();
parentPort.postMessage({ reads, pings });
