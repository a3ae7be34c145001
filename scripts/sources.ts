// Reads from the sources what no registry can tell: in which files an opcode stands, and which calls its unit makes.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { type CallName, calls } from '../lib/rpc/registry.ts';

export const root = fileURLToPath(new URL('../', import.meta.url));

/** What a declaration at the top of a file is made of. */
interface Declaration {
  calls: Set<CallName>;
  /** The names that it uses. */
  names: Set<string>;
}

interface Source {
  declarations: Map<string, Declaration>;
  /** Where an imported name comes from: [absolute path, its name there]. */
  imports: Map<string, [string, string]>;
}

const sources = new Map<string, Source>();

function sourceOf(path: string): Source {
  const known = sources.get(path);
  if (known) return known;
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const source: Source = { declarations: new Map(), imports: new Map() };
  sources.set(path, source);
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) readImport(statement, path, source);
    else if (ts.isVariableStatement(statement))
      for (const each of statement.declarationList.declarations)
        declare(each.name.getText(file), each, source);
    else if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name)
      declare(statement.name.text, statement, source);
  }
  return source;
}

function readImport(statement: ts.ImportDeclaration, path: string, source: Source): void {
  const from = (statement.moduleSpecifier as ts.StringLiteral).text;
  const bindings = statement.importClause?.namedBindings;
  if (!from.startsWith('.') || !bindings || !ts.isNamedImports(bindings)) return;
  for (const { name, propertyName } of bindings.elements)
    source.imports.set(name.text, [join(dirname(path), from), (propertyName ?? name).text]);
}

function declare(name: string, node: ts.Node, source: Source): void {
  const found: Declaration = { calls: new Set(), names: new Set() };
  const visit = (child: ts.Node) => {
    if (ts.isStringLiteral(child) && Object.hasOwn(calls, child.text))
      found.calls.add(child.text as CallName);
    if (ts.isIdentifier(child)) found.names.add(child.text);
    ts.forEachChild(child, visit);
  };
  visit(node);
  source.declarations.set(name, found);
}

/** The calls that a declaration names, itself or through what it uses in the folder of the units. */
function callsBelow(path: string, name: string, seen: Set<string>): Set<CallName> {
  const all = new Set<CallName>();
  if (seen.has(`${path} ${name}`) || !path.startsWith(join(root, 'lib/units/'))) return all;
  seen.add(`${path} ${name}`);
  const source = sourceOf(path);
  const declaration = source.declarations.get(name);
  if (!declaration) return all;
  for (const call of declaration.calls) all.add(call);
  for (const used of declaration.names) {
    const [from, there] = source.imports.get(used) ?? [path, used];
    for (const call of callsBelow(from, there, seen)) all.add(call);
  }
  return all;
}

/** The file and the name under which the registry of a folder (`lib/opcodes`, `lib/units`) finds an opcode. */
function registered(folder: string, id: string): [string, string] {
  const path = join(root, folder, 'registry.ts');
  const name = new RegExp(`^ {2}${id}: (\\w+),$`, 'm').exec(readFileSync(path, 'utf8'))?.[1];
  const found = name === undefined ? undefined : sourceOf(path).imports.get(name);
  if (!found || !existsSync(found[0]))
    throw new Error(`${folder}/registry.ts does not import ${id} from a file`);
  return found;
}

/** Where an opcode and its unit stand (paths in the repository), and the calls on nodes that the unit may make, undo included. */
export function sourcesOf(id: string): { opcode: string; unit: string; calls: CallName[] } {
  const [opcode] = registered('lib/opcodes', id);
  const [unit, name] = registered('lib/units', id);
  return {
    opcode: relative(root, opcode),
    unit: relative(root, unit),
    calls: [...callsBelow(unit, name, new Set())].sort(),
  };
}
