// Compiles the TypeScript of pages as modules of this code base, with its own settings.
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { type Block, root } from './blocks.ts';

/** What the compiler says of each block, in their order. A block stands beside the file that it names, so that its imports start there. */
export function problemsOf(blocks: readonly Block[]): string[][] {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config.config, files: [], include: [] },
    ts.sys,
    root,
  );
  const texts = new Map(
    blocks.map((block, index) => [join(root, dirname(block.value), `block-${index}.ts`), block.text]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  host.getSourceFile = (name, how, ...more) => {
    const text = texts.get(name);
    return text === undefined ? getSourceFile(name, how, ...more) : ts.createSourceFile(name, text, how);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts.keys()].map((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText, start = 0 }) => {
        const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
        return `line ${line + 1} of the block: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
      },
    );
  });
}
