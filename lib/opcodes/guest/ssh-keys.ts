import * as z from 'zod';
import { kinds, oneOf, optional, required } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, noLocks } from './target.ts';

export const guestSshKeys = defineOpcode({
  id: 'OP_GUEST_SSH_KEYS',
  summary: 'Adds, removes or replaces public SSH keys in the authorized_keys of a user of a guest.',
  params: {
    ...guestTarget,
    username: required(kinds.name, 'The name of the user in the guest.'),
    keys: required(kinds.names, 'Public keys, each in the form of a line of authorized_keys.'),
    action: optional(
      oneOf(['add', 'remove', 'replace']),
      'add',
      'Add them to the present ones, remove them, or put them in the place of all present ones.',
    ),
  },
  result: z.null(),
  summaryField: 'instance_name',
  access: 'guest-exec',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', username: 'root', keys: ['ssh-ed25519 AAAAC3Nz admin'] },
});
