// Checks the requests and the JSON that pages show against the schemas of what would get them.
import { ClusterSpec } from '../../lib/manager/cluster-spec.ts';
import { Faults } from '../../lib/node/faults.ts';
import { resources } from '../../lib/surfaces/rapi/registry.ts';
import { type Method, pathPattern } from '../../lib/surfaces/rapi/resource.ts';
import type { Block } from './blocks.ts';

/** What a `json` block can be, by the name after `as:`. */
const forms: Readonly<Record<string, (value: unknown) => unknown>> = {
  'cluster file': (value) => ClusterSpec.parse(value),
  'fault switches': (value) => Faults.parse(value),
};

/** Checks a block of JSON. @throws Error saying what is wrong */
export function checkJson({ text, key, value }: Block): void {
  const parsed: unknown = JSON.parse(text);
  if (key === null) return;
  const form = forms[value];
  if (!form) throw new Error(`'${value}' is no form; there are ${Object.keys(forms).join(', ')}`);
  form(parsed);
}

/** Checks a request: that there are its path, method and arguments, and that its body is accepted. @throws Error saying what is wrong */
export function checkRequest({ text }: Block): void {
  const [head = '', ...rest] = text.split('\n\n');
  const [, name = '', target = ''] = /^(GET|PUT|POST|DELETE) (\/\S*)$/.exec(head) ?? [];
  if (target === '') throw new Error(`'${head}' is not METHOD PATH`);
  const { pathname, searchParams } = new URL(target, 'https://cluster.example.com');
  const resource = resources.find(({ path }) => pathPattern(path).test(pathname));
  const method: Method | undefined = resource?.methods[name as 'GET'];
  if (!method) throw new Error(`There is no ${name} ${pathname}`);
  const unknown = [...searchParams.keys()].filter((each) => !Object.hasOwn(method.args ?? {}, each));
  if (unknown.length > 0) throw new Error(`${name} ${pathname} has no argument ${unknown.join(', ')}`);
  const body = rest.join('\n\n');
  if (body === '') return;
  if (!method.body) throw new Error(`${name} ${pathname} takes no body`);
  method.body.parse(JSON.parse(body));
}
