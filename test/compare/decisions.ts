import type { Recorded } from './step.ts';

/** A difference from Ganeti that is meant, and how it is recognised. */
export interface Decision {
  /** A short name; docs/compatibility.md names it too. */
  id: string;
  why: string;
  /** Whether it explains one line of the comparing program about a step that Ganeti answered so. */
  explains(recorded: Recorded, difference: string): boolean;
}

/** What is meant to differ. Everything else that differs is a fault of Merapi, or a decision still to be made. */
export const decisions: readonly Decision[] = [
  {
    id: 'job-ids',
    why: 'Both clusters number their own jobs, and one has had more of them.',
    explains: ({ step }, difference) =>
      (step.p.startsWith('/2/jobs/') &&
        /^body\.id: \d+, reference \d+$|Job \d+ .*, reference .*Job \d+ /.test(difference)) ||
      /(depends\[\d+\]\[0\]|jobs\[\d+\]\[1\]): \d+, reference \d+$/.test(difference),
  },
  {
    id: 'node-several-roles',
    why: 'A node may be made capable of several things in one request; Ganeti wants one request for each.',
    explains: ({ step, answer }, difference) =>
      step.p.includes('/modify') &&
      /^job\./.test(difference) &&
      /more than one state at the same time/.test(JSON.stringify(answer.jobend?.opresult ?? '')),
  },
  {
    id: 'reserved-addresses',
    why: 'The gateway, the first and the last address of a network stay reserved; Ganeti frees them when asked to.',
    explains: ({ step }, difference) =>
      /^PUT .*networks.*modify/.test(`${step.m} ${step.p}`) &&
      /remove_reserved_ips/.test(JSON.stringify(step.b)) &&
      /^job\.(status|opstatus)|is the gateway, or the first or last/.test(difference),
  },
  {
    id: 'dry-run',
    why: 'A dry run is one wherever it is asked for; Ganeti does not know the argument in some places and does the thing.',
    explains: ({ step, answer }, difference) =>
      /[?&]dry-run=1/.test(step.p) &&
      !JSON.stringify(answer.jobend ?? '').includes('"dry_run": true') &&
      /dry_run: not in the reference/.test(difference),
  },
  {
    id: 'private-values',
    why: 'A private value is shown as <redacted>, whatever its type.',
    explains: (_, difference) =>
      /osparams_(private|secret)\.\S+: string "<redacted>", reference/.test(difference),
  },
  {
    id: 'not-ascii',
    why: 'Texts and tags may have letters beyond ASCII; Ganeti stumbles over them (500).',
    explains: ({ step, answer }, difference) =>
      answer.status === 500 &&
      /[^\x20-\x7e]/.test(decodeURIComponent(step.p) + JSON.stringify(step.b ?? '')) &&
      /^status 200, reference 500/.test(difference),
  },
  {
    id: 'query-of-names',
    why: 'A filter for a name that no object has matches nothing, and "?" of an object of values is whether it has any; Ganeti stumbles over both (500).',
    explains: ({ step, answer }, difference) =>
      step.p.startsWith('/2/query/') &&
      answer.status === 500 &&
      /\["=","name",|\["\?",/.test(JSON.stringify(step.b ?? null)) &&
      /^status 200, reference 500/.test(difference),
  },
  {
    id: 'bodies-read',
    why: 'A body counts wherever an opcode has parameters; Ganeti does not look at it in some places: removals, startup, and the activation and deactivation of disks.',
    explains: ({ step }, difference) =>
      step.b !== undefined &&
      (step.m === 'DELETE' || /\/(startup|(de)?activate-disks)(\?|$)/.test(step.p)) &&
      (/^status 400, reference 200 .*parameter '/.test(difference) ||
        Object.keys(step.b as object).some((name) => difference.startsWith(`job.ops[0].${name}`))),
  },
  {
    id: 'not-submitted',
    why: 'What the API of Ganeti takes, its master may fail to read (502), such as devices by name or empty texts.',
    explains: ({ answer }, difference) =>
      answer.status === 502 && /^status 200, reference 502/.test(difference),
  },
  {
    id: 'other-node',
    why: 'Of nodes that are as good the allocator takes another one than hail.',
    explains: ({ step }, difference) =>
      /^(body|job\.ops\[0\])\.pnode: 'node\d\.example\.com', reference 'node\d\.example\.com'$/.test(
        difference,
      ) &&
      (step.m === 'GET' || (step.b as { iallocator?: string } | undefined)?.iallocator === 'hail'),
  },
  {
    id: 'sizes-of-nothing',
    why: 'A disk has at least 1 MiB and an instance a processor; Ganeti makes disks of no size, and leaves processors to the policy.',
    explains: ({ step }, difference) =>
      /"size":0[,}]|"vcpus":0[,}]/.test(JSON.stringify(step.b)) && isRefusal(difference),
  },
  {
    id: 'device-values',
    why: 'A value of a device that nothing can use is refused: an unknown access, a VLAN that is none; Ganeti keeps it.',
    explains: ({ step }, difference) =>
      /"access":"x"|"vlan":"x"/.test(JSON.stringify(step.b)) && isRefusal(difference),
  },
  {
    id: 'secret-numbers',
    why: 'OS parameters may be numbers; a secret one ends the helper of Ganeti that reads it.',
    explains: ({ step, answer }, difference) =>
      /"osparams_secret":\{"\w+":\d/.test(JSON.stringify(step.b)) &&
      /OpExecError/.test(JSON.stringify(answer.jobend?.opresult ?? '')) &&
      /^job\.(status|opstatus\[0\]|opresult\[0\]):/.test(difference),
  },
  {
    id: 'foreseen',
    why: 'A job whose later opcode will fail in any case does not begin; Ganeti shuts the instance down first.',
    explains: ({ step, answer }, difference) =>
      step.p.includes('/reinstall') &&
      answer.jobend?.status === 'error' &&
      /^job\.(ops\[0\]\.instance_uuid|ops\[0\]\.admin_state_source|opstatus|opresult)/.test(difference),
  },
  {
    id: 'mac-of-a-failure',
    why: 'A new NIC has its MAC address when all changes are right; Ganeti makes it before it looks at the next change.',
    explains: ({ answer }, difference) =>
      answer.jobend?.status === 'error' && /nics\[\d+\]\[2\]\.mac: 'auto', reference '#'$/.test(difference),
  },
  {
    id: 'features-order',
    why: 'The order of the features says nothing; that of Ganeti is another one at each start.',
    explains: ({ step }, difference) => step.p === '/2/features' && /^body\[\d\]: '/.test(difference),
  },
  {
    id: 'no-nodes',
    why: 'A list of no nodes that are to become members of a group is none; Ganeti takes it for all nodes.',
    explains: ({ step }, difference) =>
      step.p.includes('/assign-nodes') &&
      JSON.stringify((step.b as { nodes?: unknown } | undefined)?.nodes) === '[]' &&
      /^job\.ops\[0\]\.node(s|_uuids): length 0, reference \d+$/.test(difference),
  },
];

/** Whether a difference says that a job was refused that Ganeti did, or for another reason, or what it shows less for that. */
function isRefusal(difference: string): boolean {
  return /^job\.(status: 'error'|opstatus\[0\]: 'error'|opresult\[0\]: (length 2|error class)|ops\[0\]\.\w+: missing)/.test(
    difference,
  );
}

/** The decision that explains a difference; null when there is none. */
export function explanationOf(recorded: Recorded, difference: string): Decision | null {
  return decisions.find((decision) => decision.explains(recorded, difference)) ?? null;
}
