import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Client } from '../helpers/client.ts';
import { conformance, type Program, Programs } from '../helpers/program.ts';

type Env = Record<string, string>;

/** What was asked of a real cluster, and which scripts it ran where and with which variables (without GANETI_). */
interface Step {
  name: string;
  request: [method: string, path: string, body?: unknown];
  hooks: { hook: string; nodes: string[]; env: Env }[];
}

const steps: Step[] = JSON.parse(await readFile(join(conformance, 'hooks.json'), 'utf8'));
const nodes = ['node1.example.com', 'node2.example.com', 'node3.example.com'];
const tells = '#!/bin/sh\nenv > "$GANETI_DATA_DIR/told/$GANETI_HOOKS_PATH-$GANETI_HOOKS_PHASE"\n';

/** Variables whose values are made by chance, or are of the machine. */
const byChance = /UUID|_MAC$|_ID$|DATA_DIR|SRC_PATH|SRC_IMAGES/;

/** Where Ganeti tells something else, with the reason why Merapi does not. */
const otherwise: { hook: RegExp; name: RegExp; reason: string }[] = [
  { hook: /^instance-add/, name: /INSTANCE_STATUS$/, reason: 'the page on hooks has up and down, not True' },
  { hook: /^instance-add/, name: /^INSTANCE_NIC0_IP$/, reason: 'an address of a pool is taken later' },
  { hook: /^instance-modify/, name: /^INSTANCE_(BE_|DISK_COUNT)/, reason: 'all is told as it will be' },
  { hook: /^instance-rename/, name: /^POST_INSTANCE_NAME$|^POST_OP_TARGET$/, reason: 'it has its new name' },
  { hook: /-post$/, name: /^POST_OLD_PRIMARY$/, reason: 'the old primary node stays the old one' },
  { hook: /^disk-grow/, name: /^POSTGANETI_/, reason: 'a slip of the pen' },
  { hook: /^network-disconnect/, name: /^POST_GROUP_NETWORK/, reason: 'it is connected no more' },
];

describe('hooks, beside those of a real cluster', () => {
  const programs = new Programs();
  let program: Program;
  let client: Client;
  const folder = (node: string) => join(program.dir, 'nodes', node);
  before(async () => {
    const cluster = join(conformance, 'cluster.json');
    program = await programs.up({ cluster });
    await program.stop();
    const hooks = new Set(steps.flatMap((step) => step.hooks.map(({ hook }) => hook)));
    for (const node of nodes) {
      await mkdir(join(folder(node), 'told'));
      for (const hook of hooks) {
        const scripts = join(folder(node), 'hooks', `${hook}.d`);
        await mkdir(scripts, { recursive: true });
        await writeFile(join(scripts, 'tells'), tells, { mode: 0o755 });
      }
    }
    program = await programs.up({ cluster, dir: program.dir });
    client = await program.client();
  });
  after(() => programs.close());

  /** Runs a request and the jobs that it leaves. */
  const done = async ([method, path, body]: Step['request']): Promise<void> => {
    const ends = [await client.submit(method, path, body)];
    for (const id of ends) {
      const { status, opresult } = await client.jobEnd(id);
      assert.equal(status, 'success', JSON.stringify(opresult));
      const [result] = opresult as [{ jobs?: [boolean, number][] } | null];
      for (const [, next] of result?.jobs ?? []) ends.push(next);
    }
  };
  /** What the scripts were told since the last time, by hook and node. */
  const told = async (): Promise<Map<string, Map<string, Env>>> => {
    const all = new Map<string, Map<string, Env>>();
    for (const node of nodes)
      for (const hook of await readdir(join(folder(node), 'told'))) {
        const file = join(folder(node), 'told', hook);
        const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('GANETI_'));
        const env = lines.map((line) => /^GANETI_(\w+)=(.*)$/.exec(line)?.slice(1) ?? assert.fail(line));
        all.set(hook, (all.get(hook) ?? new Map()).set(node, Object.fromEntries(env)));
        await rm(file);
      }
    return all;
  };

  for (const { name, request, hooks } of steps)
    it(`${name}: run on the same nodes, and are told the same`, async () => {
      await done(request);
      const ran = await told();
      assert.deepEqual([...ran.keys()].sort(), hooks.map(({ hook }) => hook).sort());
      for (const { hook, nodes: places, env } of hooks) {
        assert.deepEqual([...(ran.get(hook)?.keys() ?? [])].sort(), places, hook);
        const ours = ran.get(hook)?.get(nodes[0] ?? '') ?? {};
        const differs = Object.entries(env).filter(([variable, value]) => {
          const own = ours[variable];
          if (otherwise.some((each) => each.hook.test(hook) && each.name.test(variable))) return false;
          if (own === undefined || byChance.test(variable)) return own === undefined;
          return own.split(' ').sort().join() !== value.split(' ').sort().join(); // lists have no order
        });
        assert.deepEqual(
          differs.map(([variable, value]) => `${hook} ${variable}: '${value}', here '${ours[variable]}'`),
          [],
        );
      }
    });
});
