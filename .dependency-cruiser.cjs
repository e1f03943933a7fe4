/** Arrows run one way: service → connectors → core. Core imports none of them; the sandbox is the outside world. */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    rule(
      'no-cycles',
      'Modules that need each other are one module.',
      {},
      { circular: true, dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'found-or-refused',
      'What cannot be found matches no other rule: a package that its folder does not declare, or a file that is not there.',
      {},
      { couldNotResolve: true },
    ),
    rule(
      'core-knows-nobody',
      'Core knows no CRM by name and no HTTP framework.',
      { path: '^core/' },
      { path: '^(connectors|service|sandbox)/' },
    ),
    rule(
      'core-has-no-http',
      'Core knows no HTTP framework.',
      { path: '^core/' },
      { path: 'node_modules/(express|pino|prom-client)/' },
    ),
    rule(
      'tracing-is-loaded-on-demand',
      'What traces uses OpenTelemetry’s API alone; its SDK is loaded where traces are wanted.',
      { path: '^(core|connectors|service|sandbox)/', pathNot: '^service/monitoring/tracing\\.ts$' },
      { path: 'node_modules/@opentelemetry/(?!api/)' },
    ),
    rule(
      'connectors-know-core',
      'A connector knows the port, not who hosts it.',
      { path: '^connectors/', pathNot: '(\\.test\\.ts|/test-[a-z-]+\\.ts)$' },
      { path: '^(service|sandbox|test)/' },
    ),
    rule(
      'crms-come-from-the-registry',
      'The service knows CRMs by the registry alone.',
      { path: '^service/' },
      { path: '^connectors/', pathNot: '^connectors/(registry\\.ts|whatsapp/index\\.ts)$' },
    ),
    rule(
      'connectors-know-not-each-other',
      'What connectors have in common stands in connectors/shared.',
      { path: '^connectors/([^/]+)/' },
      { path: '^connectors/', pathNot: '^connectors/($1|shared)/' },
    ),
    rule(
      'sandbox-is-outside',
      'The sandbox plays the vendors: it knows nothing of us.',
      { path: '^sandbox/' },
      { path: '^(core|connectors|service|test)/' },
    ),
    rule(
      'extensions-stand-alone',
      'What is installed in a CRM is installed without us.',
      { path: '^zoho-extension/' },
      { path: '^(core|connectors|service|sandbox|test)/' },
    ),
    rule(
      'rules-are-pure',
      'Rules are pure: effects stay at the edges.',
      { path: '^core/(identity|conversation|consent|mapping|sending|whatsapp)/', pathNot: '\\.test\\.ts$' },
      { path: '^core/(work|pipeline|corrections|store)/|node_modules/(pg|kysely)/' },
    ),
    rule(
      'work-knows-no-step',
      'The work machine takes queues as they are declared.',
      { path: '^core/work/', pathNot: '\\.test\\.ts$' },
      { path: '^core/(pipeline|corrections)/' },
    ),
    rule(
      'steps-know-no-corrections',
      'What people put right uses the steps, and no step needs it.',
      { path: '^core/pipeline/', pathNot: '\\.test\\.ts$' },
      { path: '^core/corrections/' },
    ),
    rule(
      'store-owns-the-database',
      'One module of core owns the database.',
      { path: '^core/', pathNot: '^core/store/|\\.test\\.ts$' },
      { path: 'node_modules/(pg|kysely)/' },
    ),
    rule(
      'sql-has-its-places',
      'Who wants something of the database asks core/store; the embedded one and the sandbox’s seat are looked after by hand.',
      {
        path: '^(connectors|service|sandbox)/',
        pathNot: '^service/(database/|sandbox-host\\.ts$)|\\.test\\.ts$',
      },
      { path: 'node_modules/(pg|kysely)/' },
    ),
    rule(
      'tests-are-not-used',
      'What runs does not need tests.',
      { path: '^(core|connectors|service|sandbox)/', pathNot: '(\\.test\\.ts|/test-[a-z-]+\\.ts)$' },
      { path: '^test/' },
    ),
    rule(
      'through-the-front-door',
      'Nothing reaches past another folder’s index.',
      { path: '^core/([^/]+)/', pathNot: '\\.test\\.ts$' },
      { path: '^core/([^/]+)/', pathNot: ['^core/$1/', '^core/[^/]+/index\\.ts$'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
