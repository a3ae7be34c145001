import { readFileOrNull } from '../base/files.ts';
import type { Running } from './open.ts';

// The banner that a master prints when it is ready. Programs wait for its first line, `ready URL`.

/**
 * Prints that the RAPI answers, and when `withPassword` is set and the password of `admin` was generated here, that password with three
 * commands to try.
 */
export async function announce(running: Running, withPassword: boolean): Promise<void> {
  const lines = [`ready ${running.rapi.url}`];
  const password = withPassword ? (await readFileOrNull(running.layout.adminPassword))?.trim() : null;
  if (password) lines.push(`password: ${password}`, ...examples(running, password));
  process.stdout.write(`${lines.join('\n')}\n`);
}

function examples({ layout, rapi, master }: Running, password: string): string[] {
  const hypervisor = master.store.view.cluster.enabled_hypervisors[0];
  const trust = rapi.url.startsWith('https') ? `--cacert ${layout.authorityFile} ` : '';
  const curl = `curl -s ${trust}-u admin:${password}`;
  const body = {
    __version__: 1,
    mode: 'create',
    name: 'demo1.example.com',
    os: hypervisor === 'kvm' ? 'demo' : 'noop',
    disk_template: 'file',
    disks: [{ size: 128 }],
    nics: [],
    beparams: { memory: 128 },
  };
  return [
    `${curl} ${rapi.url}/2/info`,
    `${curl} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}' ${rapi.url}/2/instances`,
    `${curl} ${rapi.url}/2/instances/demo1.example.com`,
  ];
}
