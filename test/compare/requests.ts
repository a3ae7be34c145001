import type { Json } from '../../lib/base/json.ts';
import { requestOf } from '../../lib/client/route.ts';
import { routes } from '../../lib/client/routes.ts';
import { allParams, type Opcode } from '../../lib/opcodes/define.ts';
import { type OpcodeId, opcodeOf } from '../../lib/opcodes/registry.ts';
import type { Random } from '../helpers/random.ts';
import type { Draft } from './step.ts';
import { valuesOf, wrong } from './values.ts';

type Routed = keyof typeof routes;

/** Parameters that are left alone: their effect lies outside the cluster, or takes very long. */
const untouched = ['reason', 'dry_run', 'timeout', 'shutdown_timeout', 'wait_for_sync'];

/** How a request is made from one that is right. */
const moods = { plain: 3, good: 4, edge: 6, wrong: 2, missing: 1, unknown: 1 } as const;

/** Makes requests for opcodes: right ones, those at the edge, and wrong ones. */
export class RequestMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * A request that submits an opcode. `base` are parameters that are right; what is done to them is random, but for those of the
   * path (`items`), which seldom change.
   */
  submit(id: Routed, base: Readonly<Record<string, unknown>>): Draft {
    const random = this.#random;
    const route = routes[id];
    const opcode = opcodeOf(id as OpcodeId) as unknown as Opcode;
    const params: Record<string, unknown> = { ...base };
    const mood = random.weighted(moods);
    const names = Object.keys(allParams(opcode)).filter(
      (name) =>
        !untouched.includes(name) &&
        !Object.hasOwn(route.fixed, name) &&
        !(route.items as readonly string[]).includes(name) &&
        !(route.forbidden as readonly string[]).includes(name),
    );
    const value = (name: string, kind: 'good' | 'edge') => {
      const values = valuesOf(name, allParams(opcode)[name]?.type ?? '')[kind];
      return values.length === 0 ? undefined : random.pick(values);
    };
    const change = (kind: 'good' | 'edge') => {
      const name = random.pick(names);
      const chosen = value(name, kind);
      if (chosen !== undefined) params[name] = chosen;
    };
    if (names.length > 0) {
      if (mood === 'good' || mood === 'edge')
        for (let left = random.int(mood === 'good' ? 1 : 0, 2); left > 0; left--) change('good');
      if (mood === 'edge') change('edge');
      if (mood === 'wrong') params[random.pick(names)] = random.pick(wrong);
      if (mood === 'missing')
        delete params[
          random.pick(
            Object.keys(base)
              .filter((name) => names.includes(name))
              .concat(names),
          )
        ];
      if (mood === 'unknown')
        params[random.pick(['nosuch', 'OP_ID', 'Name', 'hvparam', 'dry_run'])] = random.pick(wrong);
    }
    if (random.chance(0.1)) params.dry_run = true;
    const { method, address, body } = requestOf(route, params as Record<string, Json>);
    const sent =
      body === undefined && mood === 'wrong' && method !== 'GET' ? random.pick([{}, [], 'x', 7]) : body;
    return { m: method, p: address, ...(sent === undefined ? {} : { b: sent }), job: true };
  }

  /** Changes the tags of what a path leads to. */
  tags(path: string): Draft[] {
    const random = this.#random;
    const tags = ['t1', 't2', 'a/b:c+d', 'bad tag!', '', 'ü', 'x'.repeat(128), 'x'.repeat(129), 'T1'];
    const some = Array.from(
      { length: random.int(0, 3) },
      () => `tag=${encodeURIComponent(random.pick(tags))}`,
    );
    const args = random.chance(0.1) ? [...some, 'dry-run=1'] : some;
    const query = args.length > 0 ? `?${args.join('&')}` : '';
    return [
      { m: random.chance(0.7) ? 'PUT' : 'DELETE', p: `${path}/tags${query}`, job: true },
      { m: 'GET', p: `${path}/tags` },
    ];
  }
}
