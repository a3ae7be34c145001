import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { readFileOrNull } from '../../base/files.ts';
import type { OsDefinition } from '../../rpc/calls/os.ts';

/** The versions of Ganeti's OS interface that can be served, see ganeti-os-interface(7). */
const served: readonly number[] = [10, 15, 20];

/** The folder names that can be OS names. */
const osName = /^[A-Za-z0-9_-]+$/;

const scripts = ['create', 'import', 'export', 'rename'] as const;

/** The newest version of the interface that both sides know; from a valid definition. */
export function apiVersionOf(definition: OsDefinition): number {
  return Math.max(...definition.api_versions.filter((version) => served.includes(version)));
}

/** The OS definitions in the folders, wrong ones included. Of two with the same name the first is the one. */
export async function listDefinitions(searchPath: readonly string[]): Promise<OsDefinition[]> {
  const definitions = new Map<string, OsDefinition>();
  for (const folder of searchPath) {
    for (const name of (await subfolders(folder)).sort()) {
      if (!definitions.has(name)) definitions.set(name, await readDefinition(name, join(folder, name)));
    }
  }
  return [...definitions.values()];
}

/**
 * The valid definition behind an instance's OS (NAME or NAME+VARIANT) and the variant, which is empty for a definition
 * without variants. Variants that the definition does not declare are allowed: it may support more than it declares.
 * @throws MerapiError wrong_input
 */
export async function findDefinition(
  searchPath: readonly string[],
  os: string,
): Promise<{ definition: OsDefinition; variant: string }> {
  const plus = os.indexOf('+');
  const [name, variant] = plus < 0 ? [os, ''] : [os.slice(0, plus), os.slice(plus + 1)];
  const definition = (await listDefinitions(searchPath)).find((candidate) => candidate.name === name);
  if (!definition) {
    const folders = searchPath.join(', ') || 'none';
    throw new MerapiError(
      'wrong_input',
      `There is no OS '${name}' on this node; the search path is: ${folders}`,
    );
  }
  if (!definition.valid)
    throw new MerapiError('wrong_input', `OS '${name}' is not usable: ${definition.message}`);
  if (variant && definition.variants.length === 0)
    throw new MerapiError('wrong_input', `OS '${name}' has no variants, so '${os}' is wrong`);
  if (!variant && definition.variants.length > 0) {
    const named = definition.variants.map((known) => `${name}+${known}`).join(', ');
    throw new MerapiError('wrong_input', `OS '${name}' needs a variant: ${named}`);
  }
  return { definition, variant };
}

async function subfolders(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
    throw new MerapiError(
      'environment_error',
      `Cannot read the OS definitions in ${folder}: ${errorText(error)}`,
      {
        cause: error,
      },
    );
  });
  const visible = names.filter((name) => !name.startsWith('.'));
  const isFolder = await Promise.all(
    visible.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.isDirectory() ?? false),
  );
  return visible.filter((_, index) => isFolder[index]);
}

async function readDefinition(name: string, path: string): Promise<OsDefinition> {
  const trusted = (await stat(join(path, 'create_untrusted')).catch(() => null)) === null;
  const blank = { name, path, variants: [], parameters: [], api_versions: [], trusted };
  try {
    if (!trusted)
      throw wrong('it has a create_untrusted, but scripts that must not be trusted cannot be run');
    if (!osName.test(name)) throw wrong(`its name may hold only letters, digits, '-' and '_'`);
    return { ...blank, ...(await readContents(path)), valid: true, message: '' };
  } catch (error) {
    return { ...blank, valid: false, message: `${path}: ${errorText(error)}` };
  }
}

const wrong = (text: string) => new MerapiError('environment_error', text);

type Contents = Pick<OsDefinition, 'variants' | 'parameters' | 'api_versions'>;

/** @throws MerapiError with what is wrong with the definition. */
async function readContents(path: string): Promise<Contents> {
  const versions = await readVersions(join(path, 'ganeti_api_version'));
  const newest = Math.max(...versions);
  for (const script of newest >= 20 ? [...scripts, 'verify'] : scripts) await checkScript(path, script);
  const variants = newest >= 15 ? usefulLines((await readFileOrNull(join(path, 'variants.list'))) ?? '') : [];
  const parameters = newest >= 20 ? await readParameters(join(path, 'parameters.list')) : [];
  return { variants, parameters, api_versions: versions };
}

async function readVersions(file: string): Promise<number[]> {
  const lines = usefulLines(await readPart(file));
  if (!lines.every((line) => /^[0-9]+$/.test(line)))
    throw wrong('ganeti_api_version must hold a number on each line and nothing else');
  const versions = lines.map(Number);
  if (versions.some((version) => served.includes(version))) return versions;
  const found = versions.join(', ') || 'none';
  throw wrong(`ganeti_api_version must name one of ${served.join(', ')}; it names: ${found}`);
}

async function readPart(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error) => {
    throw wrong(`${basename(file)} cannot be read: ${errorText(error)}`);
  });
}

async function checkScript(path: string, name: string): Promise<void> {
  const file = join(path, name);
  const found = await stat(file).catch(() => null);
  if (!found) throw wrong(`the script ${name} is missing`);
  if (!found.isFile()) throw wrong(`${name} is not a file`);
  await access(file, constants.X_OK).catch(() => {
    throw wrong(`the script ${name} is not executable`);
  });
}

async function readParameters(file: string): Promise<[string, string][]> {
  return usefulLines(await readPart(file)).map((line) => {
    const [name = '', description = ''] = line.split(/\s+(.*)/s);
    return [name, description];
  });
}

/** The lines that are neither empty nor comments, without blanks around them. */
function usefulLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
