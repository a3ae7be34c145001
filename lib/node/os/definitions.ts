// OS definitions on this node, see ganeti-os-interface(7): a folder NAME with the scripts create, import, export and rename, the file
// ganeti_api_version, with version 15 variants.list, and with version 20 parameters.list and the script verify.
import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errorText, MerapiError } from '../../base/errors.ts';
import { readFileOrNull } from '../../base/files.ts';
import type { OsDefinition } from '../../rpc/calls/os.ts';

/** The versions of Ganeti's OS interface that Merapi supports. */
const supported: readonly number[] = [10, 15, 20];

/** Folder names that are valid OS names. */
const osName = /^[A-Za-z0-9_-]+$/;

const scripts = ['create', 'import', 'export', 'rename'] as const;

/** The newest version of the interface that both a valid definition and Merapi support. */
export function apiVersionOf(definition: OsDefinition): number {
  return Math.max(...definition.api_versions.filter((version) => supported.includes(version)));
}

/**
 * The OS definitions in the folders, invalid ones included, each with the reason. Of two with the same name the one in the earlier
 * folder counts; a folder that does not exist is skipped.
 * @throws MerapiError environment_error when a folder cannot be read
 */
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
 * The valid definition of an instance's OS (NAME or NAME+VARIANT), and the variant, which is empty for a definition
 * without variants. Variants that the definition does not declare are accepted: it may support more than it declares.
 * @throws MerapiError wrong_input when there is no such definition, it is invalid, or the variant is missing or superfluous
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
    const choices = definition.variants.map((known) => `${name}+${known}`).join(', ');
    throw new MerapiError('wrong_input', `OS '${name}' needs a variant: ${choices}`);
  }
  return { definition, variant };
}

/** The names of the visible subfolders of a folder; none when it does not exist. */
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

/** Reads a definition and checks it. One that is invalid is returned with `valid: false` and the reason in `message`. */
async function readDefinition(name: string, path: string): Promise<OsDefinition> {
  // A definition with create_untrusted wants that script to run in a virtual machine, which Merapi does not do.
  const trusted = (await stat(join(path, 'create_untrusted')).catch(() => null)) === null;
  const blank = { name, path, variants: [], parameters: [], api_versions: [], trusted };
  try {
    if (!trusted) throw invalid('it has a create_untrusted, but untrusted scripts are not supported');
    if (!osName.test(name)) throw invalid(`its name may contain only letters, digits, '-' and '_'`);
    return { ...blank, ...(await readContents(path)), valid: true, message: '' };
  } catch (error) {
    return { ...blank, valid: false, message: `${path}: ${errorText(error)}` };
  }
}

const invalid = (text: string) => new MerapiError('environment_error', text);

type Contents = Pick<OsDefinition, 'variants' | 'parameters' | 'api_versions'>;

/** Reads the files of a definition. @throws MerapiError environment_error with the reason why it is invalid */
async function readContents(path: string): Promise<Contents> {
  const versions = await readVersions(join(path, 'ganeti_api_version'));
  const newest = Math.max(...versions);
  for (const script of newest >= 20 ? [...scripts, 'verify'] : scripts) await checkScript(path, script);
  const variants = newest >= 15 ? usefulLines((await readFileOrNull(join(path, 'variants.list'))) ?? '') : [];
  const parameters = newest >= 20 ? await readParameters(join(path, 'parameters.list')) : [];
  return { variants, parameters, api_versions: versions };
}

async function readVersions(file: string): Promise<number[]> {
  const lines = usefulLines(await readRequired(file));
  if (!lines.every((line) => /^[0-9]+$/.test(line)))
    throw invalid('ganeti_api_version must contain a number on each line and nothing else');
  const versions = lines.map(Number);
  if (versions.some((version) => supported.includes(version))) return versions;
  const found = versions.join(', ') || 'none';
  throw invalid(`ganeti_api_version must name one of ${supported.join(', ')}; it names: ${found}`);
}

/** The text of a file that the definition must have. */
async function readRequired(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error) => {
    throw invalid(`${basename(file)} cannot be read: ${errorText(error)}`);
  });
}

async function checkScript(path: string, name: string): Promise<void> {
  const file = join(path, name);
  const found = await stat(file).catch(() => null);
  if (!found) throw invalid(`the script ${name} is missing`);
  if (!found.isFile()) throw invalid(`${name} is not a file`);
  await access(file, constants.X_OK).catch(() => {
    throw invalid(`the script ${name} is not executable`);
  });
}

/** Parses parameters.list: a name and a description on each line. */
async function readParameters(file: string): Promise<[string, string][]> {
  return usefulLines(await readRequired(file)).map((line) => {
    const [name = '', description = ''] = line.split(/\s+(.*)/s);
    return [name, description];
  });
}

/** The lines that are neither empty nor comments, trimmed. */
function usefulLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
