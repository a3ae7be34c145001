// OP_BACKUP_PREPARE: the first half of an export to another cluster. In remote mode it makes a certificate on the instance's node and
// returns what the other cluster needs to trust it; in local mode there is nothing to prepare.

import { checkOnline, instanceNamed, primaryOf } from '../../model/find.ts';
import { backupPrepare as opcode } from '../../opcodes/backup/prepare.ts';
import { defineUnit } from '../define.ts';
import { CERTIFICATE_TIME, handshake, makeSalt, signedCertificate, signedName } from './exchange.ts';

export const backupPrepare = defineUnit(opcode, {
  check({ view, clock, random, resolve }, params) {
    const instance = instanceNamed(view, params.instance_name);
    resolve({ instance_name: instance.name, instance_uuid: instance.uuid });
    const node = primaryOf(view, instance);
    checkOnline(node);
    const time = new Date(clock.seconds() * 1000).toISOString().slice(0, 19).replaceAll(':', '_');
    const name = `x509-${time.replace('T', '_')}-${random.bytes(4).toString('hex')}`;
    return { node, name, salts: [makeSalt(random), makeSalt(random), makeSalt(random)] as const };
  },

  async run(context, { node, name, salts }, params) {
    if (params.mode === 'local') return { result: null };
    const [greetingSalt, nameSalt, certificateSalt] = salts;
    context.log(`Creating a certificate on node ${node.name}`);
    const making = { name, common_name: node.name, seconds: CERTIFICATE_TIME };
    const { cert } = await context.call('certificate', node, 'certificate.create', making, [
      { call: 'certificate.remove', params: { name } },
    ]);
    const { seal } = context;
    return {
      result: {
        handshake: handshake(seal, greetingSalt),
        x509_key_name: signedName(seal, name, nameSalt),
        x509_ca: signedCertificate(seal, cert, certificateSalt),
      },
    };
  },
});
