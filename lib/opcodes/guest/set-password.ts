import * as z from 'zod';
import { kinds, optional, required, secret } from '../../model/params.ts';
import { defineOpcode } from '../define.ts';
import { guestTarget, noLocks } from './target.ts';

export const guestSetPassword = defineOpcode({
  id: 'OP_GUEST_SET_PASSWORD',
  summary: 'Sets the password of a user of a guest.',
  params: {
    ...guestTarget,
    username: required(kinds.name, 'The name of the user in the guest.'),
    password: secret(
      required(kinds.name, 'The password, or with `crypted` its hash in the form of crypt(3).'),
    ),
    crypted: optional(kinds.bool, false, 'Whether `password` is a hash. Guests with Windows accept none.'),
  },
  result: z.null(),
  summaryField: 'instance_name',
  access: 'guest-exec',
  locks: noLocks,
  example: { instance_name: 'web1.example.com', username: 'root', password: 'correct horse' },
});
