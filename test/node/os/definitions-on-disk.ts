import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const noop = '#!/bin/sh\nexit 0\n';

/** The files of a definition that does nothing, of version 10. */
export const plainOs: Readonly<Record<string, string>> = {
  ganeti_api_version: '10\n',
  create: noop,
  import: noop,
  export: noop,
  rename: noop,
};

/** The files of a definition of version 20 with variants and parameters. */
export const fullOs: Readonly<Record<string, string>> = {
  ...plainOs,
  ganeti_api_version: '20\n15\n',
  verify: noop,
  'variants.list': '# the variants\nsmall\n\nbig\n',
  'parameters.list': 'dhcp Whether to use DHCP\nroot-size\tThe size of the root\nbare\n',
};

/** Writes a definition; scripts (files that begin with #!) are executable. */
export async function writeOs(folder: string, name: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(folder, name, file), text);
    await chmod(join(folder, name, file), text.startsWith('#!') ? 0o755 : 0o644);
  }
}

/** A copy of the files without one. */
export function without(files: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([file]) => file !== name));
}
