import * as z from 'zod';
import { kinds, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, kindOf, noLocks } from './target.ts';

export const guestFileWrite = defineOpcode({
  id: 'OP_GUEST_FILE_WRITE',
  summary:
    'Writes a file of a guest. Its content was sent to the node before, by `PUT /2/instances/{name}/guest/file`, which submits this opcode; returns how many bytes were written.',
  params: {
    ...guestTarget,
    path: required(kinds.name, 'The path of the file in the guest.'),
    upload: required(kinds.name, 'The uuid of the upload with the content.'),
    size: required(kinds.count, 'The size of the content in bytes.'),
    checksum: required(
      kindOf('SHA256', z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal')),
      'The SHA-256 of the content in hexadecimal.',
    ),
    append: optional(kinds.bool, false, 'Write after the present content instead of in its place.'),
  },
  result: z.object({ bytes: z.number().int() }),
  summaryField: 'instance_name',
  access: 'guest-file-write',
  locks: noLocks,
  example: {
    instance_name: 'web1.example.com',
    path: '/etc/motd',
    upload: '5d1c6f0a-7c1e-4a4a-9f0e-1d4f6b1c2a3b',
    size: 6,
    checksum: '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
  },
});
