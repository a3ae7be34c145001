// How lib gets at the world: see "Time and chance" in docs/architecture.md.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Files of lib, by the beginning of their path, and why they may do what others may not. */
type Places = Readonly<Record<string, string>>;

/** Forms that reach the machine's clock, timers and random numbers past Clock and Random. */
const raw =
  /\b(?:set(?:Timeout|Interval)|AbortSignal\.timeout|Date\.now|new Date\(\)|performance\.(?:now|timeOrigin)|hrtime|process\.uptime|Math\.random|random(?:UUID|Bytes|Int|Fill)|getRandomValues|system(?:Clock|Random|Resolver|World))\b|\bnew Date\(\)|from 'node:timers'|import (?!\{ setImmediate \})[^;]*from 'node:timers\/promises'/;

const realTime: Places = {
  'app/': 'wires processes, starts and ends real ones; it hands systemWorld down',
  'backup/': 'names archives by the time',
  'base/': 'makes the interfaces, slices the time of the real thread, names temporary files, makes keys',
  'check/': 'looks whether certificates are valid now',
  'cli/': 'the command line, used by people in real time',
  'node/capped-log.ts': 'waits for a real program',
  'node/hooks.ts': 'limits the time of real programs',
  'node/hypervisors/kvm/': 'waits for QEMU',
  'node/lock.ts': 'waits for another worker process',
  'node/os/': 'waits for the scripts of operating systems',
  'node/power.ts': 'reboots the host',
};

/** What is reached by modules of Node.js, or by a library, and where: everything else gets it handed in. */
const reached: readonly { what: string; modules: RegExp; places: Places }[] = [
  {
    what: 'the network',
    modules: /^(?:node:(?:net|https?|http2|tls|dgram|dns|dns\/promises)|undici)$/,
    places: {
      'app/': 'looks whether a port is free',
      'base/': 'connections, TLS, the addresses of names',
      'client/client.ts': 'is a client of the API',
      'node/backup/arrivals.ts': 'data from other clusters',
      'node/backup/send.ts': 'data to other clusters',
      'node/guest/channel.ts': 'the ports of guest agents',
      'node/hypervisors/kvm/': 'the monitors of guests',
      'rpc/client.ts': 'the transport of calls, as all of rpc here; units know NodeCaller',
      'rpc/peers.ts': 'who is at the other end',
      'rpc/post.ts': 'one request',
      'rpc/renewal.ts': 'a connection of its own, with an older certificate',
      'rpc/server.ts': 'the other end of it',
      'rpc/streams.ts': 'data from node to node',
      'surfaces/rapi/server.ts': 'listens; a surface has one such file',
    },
  },
  {
    what: 'the disk',
    modules: /^node:(?:fs|fs\/promises|os)$/,
    places: {
      'access/users-edit.ts': 'the users file is what it edits',
      'access/users-file.ts': 'the users file; others know Users',
      'app/': 'the state folder',
      'backup/': 'the state folder, and the archive',
      'base/': 'files that survive crashes, temporary files',
      'check/': 'the state folder',
      'cli/': 'certificates and files that the user names',
      'node/': 'the host is what it works with',
      'store/sqlite/': 'the file of the database; others know Store',
    },
  },
  {
    what: 'processes and threads',
    modules: /^node:(?:child_process|worker_threads|cluster)$/,
    places: {
      'base/': 'runs programs, for app and node too',
      'store/sqlite/': 'the threads that own the connections',
    },
  },
];

/** What node:net has that reaches nothing. */
const pure = ['isIP', 'isIPv4', 'isIPv6'];

const lib = join(import.meta.dirname, '..', '..', 'lib');
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .map((name) => ({ name, code: withoutComments(readFileSync(join(lib, name), 'utf8')) }));

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

const rawForms = (code: string): string[] =>
  code
    .split('\n')
    .filter((line) => raw.test(line))
    .map((line) => line.trim());

/** The modules that a file imports for more than their types and what is pure. */
function imported(code: string): string[] {
  return [...code.matchAll(/^import (?!type )([^;]*?)from '([^']+)';$/gm)].flatMap(
    ([, names = '', module = '']) => {
      const values = /\{([^}]*)\}/.exec(names)?.[1]?.split(',') ?? [names];
      const isReached = values
        .map((name) => name.trim())
        .some((name) => name !== '' && !name.startsWith('type ') && !pure.includes(name));
      return isReached ? [module] : [];
    },
  );
}

/** What files have that are in none of the places; and the places in which no file has anything. */
function judged(found: (code: string) => string[], places: Places): { wrong: string[]; needless: string[] } {
  const needed = new Set<string>();
  const wrong = files.flatMap(({ name, code }) => {
    const all = found(code);
    const place = Object.keys(places).find((beginning) => name.startsWith(beginning));
    if (place === undefined) return all.map((each) => `${name}: ${each}`);
    if (all.length > 0) needed.add(place);
    return [];
  });
  return { wrong, needless: Object.keys(places).filter((place) => !needed.has(place)) };
}

test('time and chance come from what was handed in', () => {
  assert.deepEqual(judged(rawForms, realTime), { wrong: [], needless: [] });
});

for (const { what, modules, places } of reached)
  test(`${what}: reached only where it is named`, () => {
    const found = (code: string) => imported(code).filter((module) => modules.test(module));
    assert.deepEqual(judged(found, places), { wrong: [], needless: [] });
  });

test('the rule sees each raw form, and nothing else', () => {
  const forms = [
    "import { setTimeout as sleep } from 'node:timers/promises';",
    'const timer = setTimeout(end, 5);',
    'signal: AbortSignal.timeout(5),',
    'const now = Date.now();',
    'const time = new Date();',
    'const since = performance.now();',
    'Math.random()',
    "import { createHash, randomBytes } from 'node:crypto';",
    "import { systemClock } from '../base/clock.ts';",
  ];
  assert.deepEqual(rawForms(forms.join('\n')), forms);
  const fine = [
    "import { setImmediate } from 'node:timers/promises';",
    'const time = new Date(clock.seconds() * 1000);',
    '// by performance.now()',
    '/** As Date.now(). */',
  ];
  assert.deepEqual(rawForms(withoutComments(fine.join('\n'))), []);
});

test('the rule sees what is imported for more than types', () => {
  const code = `import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { type AddressInfo, isIPv6 } from 'node:net';
import {
  createServer,
  type Server,
} from 'node:http';
import { isIP, createConnection } from 'node:tls';
import fs from 'node:fs';
`;
  assert.deepEqual(imported(code), ['node:http', 'node:tls', 'node:fs']);
});
