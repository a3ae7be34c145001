// The floors of docs/architecture.md as rules: a file imports only from floors below its own, or from its own folder.
const floors = [
  ['base'],
  ['model'],
  ['opcodes', 'rpc', 'query'],
  ['store', 'locks', 'allocator'],
  ['access'],
  ['placement'],
  ['units', 'views'],
  ['jobs'],
  ['manager'],
  ['surfaces'],
  ['app'],
  ['check'],
  ['backup'],
  ['cli'],
];
// The towers beside the floors that a folder sees.
const towers = { app: ['node'], check: ['node'], cli: ['client'] };
const rules = [{ name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } }];
floors.forEach((folders, level) => {
  for (const folder of folders) {
    const below = floors.slice(0, level).flat();
    const beside = towers[folder] ?? [];
    rules.push({
      name: `floor-${folder}`,
      severity: 'error',
      from: { path: `^lib/${folder}/` },
      to: { path: '^lib/', pathNot: `^lib/(${[folder, ...below, ...beside].join('|')})/` },
    });
  }
});
rules.push({
  name: 'tower-node',
  severity: 'error',
  from: { path: '^lib/node/' },
  to: { path: '^lib/', pathNot: '^lib/(node|rpc|model|base)/' },
});
rules.push({
  name: 'tower-client',
  severity: 'error',
  from: { path: '^lib/client/' },
  to: { path: '^lib/', pathNot: '^lib/(client|query|opcodes|model|base)/' },
});
rules.push({
  name: 'sql-only-in-its-store',
  severity: 'error',
  from: { path: '^lib/', pathNot: '^lib/store/sqlite/' },
  to: { path: 'better-sqlite3' },
});
rules.push({
  name: 'stores-are-seen-by-their-interfaces',
  severity: 'error',
  from: { path: '^lib/', pathNot: '^lib/(app|check|backup|store)/' },
  to: { path: '^lib/store/', pathNot: '^lib/store/(define|changes|stored-job|formats)\\.ts$' },
});
rules.push({
  name: 'stores-share-what-is-beside-them',
  severity: 'error',
  from: { path: '^lib/store/[^/]+$' },
  to: { path: '^lib/store/[^/]+/' },
});
rules.push({
  name: 'stores-never-see-each-other',
  severity: 'error',
  from: { path: '^lib/store/([^/]+)/' },
  to: { path: '^lib/store/[^/]+/', pathNot: '^lib/store/$1/' },
});
rules.push({
  name: 'surfaces-never-see-each-other',
  severity: 'error',
  from: { path: '^lib/surfaces/([^/]+)/' },
  to: { path: '^lib/surfaces/', pathNot: '^lib/surfaces/$1/' },
});
rules.push({
  name: 'surfaces-are-started-in-one-place',
  severity: 'error',
  from: { path: '^lib/(app|check|backup|cli)/', pathNot: '^lib/app/open\\.ts$' },
  to: { path: '^lib/surfaces/' },
});
module.exports = {
  forbidden: rules,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
    doNotFollow: { path: 'node_modules' },
  },
};
