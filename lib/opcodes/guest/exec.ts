import * as z from 'zod';
import { base64 } from '../../model/guest-agent/structures.ts';
import { kinds, maybe, optional, required, secret } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, kindOf, LONGEST_WAIT, noLocks, secondsUpTo } from './target.ts';

const argv = kindOf('List of words', z.array(z.string()).min(1).max(4096), {
  words: 'a list of texts: the path of the program, and its arguments',
  example: ['/bin/uname', '-a'],
});
const environment = kindOf('List of NAME=VALUE', z.array(z.string().regex(/^[^=]+=/)).max(4096), {
  words: 'a list of texts NAME=VALUE',
  example: ['LANG=C.UTF-8'],
});

export const guestExec = defineOpcode({
  id: 'OP_GUEST_EXEC',
  summary:
    'Runs a program in a guest and waits for its end. Returns its pid and how it ended; its output is read from `/2/instances/{name}/guest/exec/{pid}`.',
  params: {
    ...guestTarget,
    argv: secret(required(argv, 'The path of the program in the guest, and its arguments.')),
    env: secret(optional(environment, [], 'Its environment: a list of NAME=VALUE.')),
    input: secret(
      optional(
        maybe(kindOf('Base64', base64, { words: 'a text in base64', example: 'aGVsbG8K' })),
        null,
        'Its standard input in base64.',
      ),
    ),
    capture: optional(kinds.bool, true, 'Keep its output for an hour, at most 16 MiB of each stream.'),
    wait: optional(kinds.bool, true, 'Whether to wait for its end.'),
    timeout: optional(
      secondsUpTo(LONGEST_WAIT),
      LONGEST_WAIT,
      'How long to wait at most; the program itself goes on after that.',
    ),
  },
  result: z.object({
    pid: z.number().int(),
    exited: z.boolean(),
    exitcode: z.number().int().nullable(),
    signal: z.number().int().nullable(),
    out_truncated: z.boolean(),
    err_truncated: z.boolean(),
  }),
  summaryField: 'instance_name',
  access: 'guest-exec',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', argv: ['/bin/uname', '-a'] },
});
