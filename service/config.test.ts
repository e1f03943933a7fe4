import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readConfig, variableNames } from './config.ts';
import { readEnvFile } from './env-file.ts';

const live = {
  META_APP_SECRET: 'a'.repeat(32),
  META_VERIFY_TOKEN: 'verify-me',
  WHATSAPP_PHONE_NUMBER_ID: '1',
  WHATSAPP_WABA_ID: '2',
  WHATSAPP_DISPLAY_PHONE_NUMBER: '+91 98123 45678',
  SECRETS_KEY: Buffer.alloc(32).toString('base64'),
  PUBLIC_URL: 'https://sangam.example/',
};

const hubspot = {
  HUBSPOT_CLIENT_ID: 'client-of-ours',
  HUBSPOT_CLIENT_SECRET: 's'.repeat(36),
  SECRETS_KEY: live.SECRETS_KEY,
};

/** What shells, build machines, containers and hosts of programs set. */
const ofOthers = `
  HOME HOSTNAME HOSTTYPE LOGNAME USER USERNAME SHELL PATH PWD OLDPWD TERM TERM_PROGRAM LANG LANGUAGE LC_ALL TZ EDITOR
  PAGER MAIL MANPATH HISTFILE HISTSIZE IFS PS1 PS2 SHLVL UID EUID PPID LINES COLUMNS RANDOM DISPLAY SSH_AUTH_SOCK
  SSH_CONNECTION TMPDIR TEMP TMP XDG_DATA_DIRS XDG_DATA_HOME XDG_CONFIG_DIRS XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
  http_proxy HTTP_PROXY https_proxy HTTPS_PROXY no_proxy NO_PROXY ALL_PROXY COLORTERM CLICOLOR FORCE_COLOR NO_COLOR
  NODE_ENV NODE_OPTIONS NODE_PATH NODE NODE_VERSION YARN_VERSION NPM_CONFIG_PRODUCTION npm_config_cache npm_lifecycle_event
  npm_package_name INIT_CWD CI CI_JOB_ID CI_COMMIT_SHA GITHUB_ACTIONS GITHUB_TOKEN GITHUB_REPOSITORY GITLAB_CI
  RUNNER_OS RUNNER_TEMP BUILD_NUMBER BUILD_ID BUILD_URL JOB_URL JENKINS_URL WORKSPACE CIRCLECI TRAVIS DYNO DOCKER_HOST
  INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET CREDENTIALS_DIRECTORY LISTEN_FDS STATE_DIRECTORY LOGS_DIRECTORY
  KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_PORT KUBERNETES_PORT_443_TCP METRICS_SERVICE_HOST
  METRICS_SERVICE_PORT METRICS_SERVICE_PORT_HTTP METRICS_PORT_9090_TCP_ADDR PGHOST PGPORT PGUSER PGDATA PGDATABASE
  DATABASE_POOL_SIZE DATABASE_HOST DATABASE_NAME DB_URL DB_HOST POSTGRES_URL REDIS_URL BASE_URL APP_URL API_URL ADMIN_USER
  LOG_FORMAT LOG_FILE K_SERVICE FLY_APP_NAME RENDER RAILWAY_PUBLIC_DOMAIN WEBSITE_HOSTNAME HOSTING PORT_FORWARD
  OTEL_SERVICE_NAME OTEL_RESOURCE_ATTRIBUTES OTEL_TRACES_SAMPLER OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_PROTOCOL
  OTEL_EXPORTER_OTLP_TIMEOUT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_TRACES_SAMPLER_ARG COMPOSE_PROJECT_NAME DEBUG VERBOSE
  SOURCE_DATE_EPOCH SECRET_KEY DATABASE_URI JAVA_DIR DATA_DISK METRICS_HOST PORT0 PORT1
`.match(/\S+/g);

describe('the environment', () => {
  test('is what .env.example says it is', () => {
    const example = readFileSync(path.join(import.meta.dirname, '../.env.example'), 'utf8');
    const named = [...example.matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(variableNames.toSorted());
  });

  test('may be empty: a sandbox on loopback', () => {
    expect(readConfig({})).toMatchObject({ port: 8080, host: 'localhost', live: undefined });
    expect(readConfig({ META_APP_SECRET: '', PORT: '' })).toMatchObject({ port: 8080, live: undefined });
  });

  test('names a bucket for media whole, or not at all', () => {
    const bucket = {
      MEDIA_S3_ENDPOINT: 'https://s3.ap-south-1.amazonaws.com/',
      MEDIA_S3_BUCKET: 'sangam-media',
      MEDIA_S3_REGION: 'ap-south-1',
      MEDIA_S3_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      MEDIA_S3_SECRET_ACCESS_KEY: 'a-secret-of-the-storage',
    };
    expect(readConfig({}).mediaBucket).toBeUndefined();
    expect(readConfig(bucket).mediaBucket).toMatchObject({
      endpoint: 'https://s3.ap-south-1.amazonaws.com',
      bucket: 'sangam-media',
    });
    expect(() => readConfig({ ...bucket, MEDIA_S3_REGION: '' })).toThrow('needs MEDIA_S3_REGION as well');
    expect(() => readConfig({ ...bucket, MEDIA_S3_BUCKET: 'https://bucket' })).toThrow(
      'MEDIA_S3_BUCKET: must be the name',
    );
  });

  test('takes a host in any case: it is compared with the names of this machine', () => {
    expect(readConfig({ HOST: 'LocalHost' }).host).toBe('localhost');
  });

  test.each(['0.0.0.0', '::', '::1', '192.168.1.5', 'eth0.my_machine.internal', '1a'])(
    'listens where HOST says: %s',
    (HOST) => {
      expect(readConfig({ HOST }).host).toBe(HOST);
    },
  );

  test.each(['*', '0.0.0.0:8080', 'http://0.0.0.0', '[::]', '256.1.1.1', '1', '127.0.0.1,::1', '-', 'a/b'])(
    'says how HOST is written where it is %s',
    (HOST) => {
      expect(() => readConfig({ HOST })).toThrow(/HOST: must be where this machine listens: .*PUBLIC_URL/);
    },
  );

  test('makes a live workspace when it names a number', () => {
    expect(readConfig(live).live).toMatchObject({
      number: { phoneNumberId: '1', portfolio: '2' },
      crms: {},
    });
    expect(readConfig(live).publicUrl).toBe('https://sangam.example');
  });

  test('needs no phone number where an access token has Meta tell it', () => {
    const { WHATSAPP_DISPLAY_PHONE_NUMBER: _left, ...rest } = live;
    const token = { WHATSAPP_ACCESS_TOKEN: 'EAA-a-token-of-ours' };
    expect(readConfig({ ...rest, ...token }).live?.number).toMatchObject({
      displayPhoneNumber: undefined,
      accessToken: 'EAA-a-token-of-ours',
    });
    expect(() => readConfig(rest)).toThrow('WHATSAPP_DISPLAY_PHONE_NUMBER');
    expect(() => readConfig(token)).toThrow('META_APP_SECRET, META_VERIFY_TOKEN');
  });

  test('may name a CRM alone', () => {
    const token = { HUBSPOT_ACCESS_TOKEN: 'pat-na1-abcdefgh', SECRETS_KEY: live.SECRETS_KEY };
    expect(readConfig(token).live).toEqual({
      number: undefined,
      crms: { hubspot: { accessToken: 'pat-na1-abcdefgh' } },
    });
    const app = { HUBSPOT_CLIENT_ID: 'client-of-ours', HUBSPOT_CLIENT_SECRET: 's'.repeat(36) };
    const { SECRETS_KEY, PUBLIC_URL } = live;
    expect(readConfig({ ...app, SECRETS_KEY, PUBLIC_URL }).live).toMatchObject({ number: undefined });
  });

  test('names a HubSpot app of its own, or none', () => {
    const app = { HUBSPOT_CLIENT_ID: 'client-of-ours', HUBSPOT_CLIENT_SECRET: 's'.repeat(36) };
    expect(readConfig(live).live?.crms).toEqual({});
    expect(readConfig({ ...live, ...app }).live?.crms['hubspot']?.app).toEqual({
      clientId: 'client-of-ours',
      clientSecret: 's'.repeat(36),
    });
    const rotating = { ...live, ...app, HUBSPOT_CLIENT_SECRET_PREVIOUS: 'p'.repeat(36) };
    expect(readConfig(rotating).live?.crms['hubspot']?.app).toMatchObject({
      previousClientSecret: 'p'.repeat(36),
    });
  });

  test.each([
    ['PORT', { PORT: 'eighty' }],
    ['SECRETS_KEY', { SECRETS_KEY: 'short' }],
    ['META_VERIFY_TOKEN', { ...live, META_VERIFY_TOKEN: '' }],
    ['WHATSAPP_WABA_ID', { ...live, WHATSAPP_WABA_ID: '' }],
    ['SECRETS_KEY', { HUBSPOT_ACCESS_TOKEN: 'pat-na1-abcdefgh' }],
    ['HUBSPOT_CLIENT_SECRET', { ...live, HUBSPOT_CLIENT_ID: 'client-of-ours' }],
    ['HUBSPOT_CLIENT_ID', { ...live, HUBSPOT_CLIENT_SECRET: 's'.repeat(36) }],
    [
      'PUBLIC_URL',
      {
        HUBSPOT_CLIENT_ID: 'client-of-ours',
        HUBSPOT_CLIENT_SECRET: 's'.repeat(36),
        SECRETS_KEY: live.SECRETS_KEY,
      },
    ],
    ['PUBLIC_URL', { ...live, PUBLIC_URL: '' }],
    ['SECRETS_KEY', { ...live, SECRETS_KEY: '' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://x' }],
    ['DATABASE_URL: must look like postgres://', { DATABASE_URL: 'postgres' }],
    ['PUBLIC_URL: must be an address', { PUBLIC_URL: 'ftp://sangam.example' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://asha@sangam.example' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://asha:hush@sangam.example/' }],
    ['PUBLIC_URL: must have no user, password, query', { PUBLIC_URL: 'https://sangam.example?hush=1' }],
    ['PUBLIC_URL: must end before /webhooks', { PUBLIC_URL: 'https://sangam.example/webhooks/whatsapp' }],
    ['SANDBOX_URL: must have no user, password, query', { SANDBOX_URL: 'http://localhost:1/#hush' }],
    ['SANDBOX_CRMS: must be one or more of hubspot', { SANDBOX_CRMS: 'hubspot, hubspt' }],
    ['PUBLIC_URL must begin with https://', { ...live, PUBLIC_URL: 'http://sangam.example' }],
    ['META_APP_SECRETS: there is no such variable; did you mean META_APP_SECRET?', { META_APP_SECRETS: 'x' }],
    ['WHATSAPP_API_VERSION: must look like v26.0', { WHATSAPP_API_VERSION: '26' }],
    ['METRICS_PORT must be another port than PORT', { METRICS_PORT: '8080' }],
    ['did you mean METRICS_TOKEN', { METRICS_TOKENS: 'x' }],
    ['did you mean SECRETS_KEY_PREVIOUS?', { SECRETS_KEY_PREVIUS: 'x' }],
    ['PORT: must be a number', { PORT: 'eighty' }],
    ['PORT: must be at most 65535', { PORT: '99999' }],
    ['LOG_LEVEL: must be one of "debug", "info", "warn", "error", "silent"', { LOG_LEVEL: 'verbose' }],
    ['ADMIN_EMAIL: must be an e-mail address', { ADMIN_EMAIL: 'asha' }],
    ['META_APP_SECRET: must have at least 16 characters', { ...live, META_APP_SECRET: 'short' }],
    [
      'WHATSAPP_PHONE_NUMBER_ID: must be the digits Meta shows as phone number id, which is not the phone number',
      { ...live, WHATSAPP_PHONE_NUMBER_ID: '+91 98123 45678' },
    ],
    ['WHATSAPP_WABA_ID: must be the digits', { ...live, WHATSAPP_WABA_ID: 'my account' }],
    ['WHATSAPP_PORTFOLIO_ID: must be the digits', { ...live, WHATSAPP_PORTFOLIO_ID: 'my business' }],
    [
      'HUBSPOT_ACCESS_TOKEN: must be of letters, digits and signs, without blanks',
      { ...live, HUBSPOT_ACCESS_TOKEN: 'pat-na1-abc defgh' },
    ],
    [
      'SECRETS_KEY_PREVIOUS: is nothing without SECRETS_KEY',
      { SECRETS_KEY_PREVIOUS: Buffer.alloc(32).toString('base64') },
    ],
    ['META_APP_SECRET_PREVIOUS: is nothing without', { META_APP_SECRET_PREVIOUS: 'a'.repeat(32) }],
    ['PUBLIC_URL must begin with https:// for a HubSpot app', { ...hubspot, PUBLIC_URL: 'http://x.example' }],
    ['PUBLIC_URL must begin with https:// for a HubSpot app', { ...hubspot, PUBLIC_URL: 'http://127.0.0.1' }],
    ['SANDBOX_URL cannot stand beside a live number', { ...live, SANDBOX_URL: 'http://localhost:1' }],
    ['WHATSAPP_PORTFOLIO_ID: is nothing without', { WHATSAPP_PORTFOLIO_ID: '3' }],
  ])('is refused at start, naming %s', (name, env) => {
    expect(() => readConfig(env)).toThrow(name);
    // The words of the tool that read it are for programmers.
    expect(() => readConfig(env)).not.toThrow(
      /Invalid (input|option|string)|expected|received|Too (small|big)/,
    );
  });

  test.each(['1', '6', '36501', '7.5', 'long', '1e9', '0x10', '1e2'])(
    'says between what days lie that are not %s',
    (days) => {
      expect(() => readConfig({ RETENTION_AUDIT_DAYS: days })).toThrow(
        'RETENTION_AUDIT_DAYS: must be a whole number of days from 7 to 36500',
      );
    },
  );

  test('may hold what others read', () => {
    const env = Object.fromEntries((ofOthers ?? []).map((name) => [name, 'x']));
    expect(Object.keys(env).length).toBeGreaterThan(120);
    expect(readConfig({ ...env, NODE_ENV: 'production' })).toMatchObject({
      port: 8080,
      unread: ['METRICS_HOST'],
    });
  });

  test.each([
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['DATBASE_URL', 'DATABASE_URL'],
    ['Database_Url', 'DATABASE_URL'],
    ['PUBLIC_ULR', 'PUBLIC_URL'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['LOG_LEVELS', 'LOG_LEVEL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['SECRETS_KEYS', 'SECRETS_KEY'],
    ['PROT', 'PORT'],
    ['PORTS', 'PORT'],
    ['port', 'PORT'],
    ['HSOT', 'HOST'],
    ['DATA_DRI', 'DATA_DIR'],
    ['DATADIR', 'DATA_DIR'],
    ['ADMIN_MAIL', 'ADMIN_EMAIL'],
    ['META_APP_SECRETS', 'META_APP_SECRET'],
    ['META_APPSECRET', 'META_APP_SECRET'],
    ['OTEL_EXPORTER_OTLP_ENDPOINTS', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ])('names %s, which nobody reads, and means %s', (name, nearest) => {
    expect(() => readConfig({ [name]: 'x' })).toThrow(
      `${name}: there is no such variable; did you mean ${nearest}?`,
    );
  });

  test.each([
    'metrics',
    'whatsapp',
    'hubspot',
    'sandbox',
    'secrets',
    'meta',
    'retention',
    'data',
    'postgres',
  ])('may hold what Kubernetes sets for a Service called %s', (service) => {
    const name = service.toUpperCase();
    const env = {
      [`${name}_SERVICE_HOST`]: '10.0.0.1',
      [`${name}_SERVICE_PORT`]: '80',
      [`${name}_SERVICE_PORT_HTTP`]: '80',
      [`${name}_PORT`]: 'tcp://10.0.0.1:80',
      [`${name}_PORT_80_TCP`]: 'tcp://10.0.0.1:80',
      [`${name}_PORT_80_TCP_PROTO`]: 'tcp',
      [`${name}_PORT_80_TCP_PORT`]: '80',
      [`${name}_PORT_80_TCP_ADDR`]: '10.0.0.1',
    };
    expect(readConfig(env)).toEqual(readConfig({}));
    expect(readConfig({ [`${name}_PORT`]: 'udp://10.0.0.1:53' })).toEqual(readConfig({}));
  });

  test.each([
    'HUBSPOT_PERSONAL_ACCESS_KEY',
    'HUBSPOT_ACCOUNT_ID',
    'HUBSPOT_PORTAL_ID',
    'HUBSPOT_CONFIG_PATH',
    'SANDBOX_FLAGS',
    'SANDBOX_SET_UID_GID',
    'META_API',
  ])('may hold %s, which is told and has no poor hint', (name) => {
    expect(readConfig({ [name]: 'x' }).unread).toEqual([name]);
  });

  test.each([
    ['WHATSAPP_TOKEN', 'WHATSAPP_ACCESS_TOKEN'],
    ['META_ACCESS_TOKEN', 'WHATSAPP_ACCESS_TOKEN'],
    ['HUBSPOT_TOKEN', 'HUBSPOT_ACCESS_TOKEN'],
    ['HUBSPOT_API_KEY', 'HUBSPOT_ACCESS_TOKEN'],
    ['WHATSAPP_BUSINESS_ACCOUNT_ID', 'WHATSAPP_WABA_ID'],
    ['WHATSAPP_PHONE_ID', 'WHATSAPP_PHONE_NUMBER_ID'],
    ['META_VERIFY_TOKEN_1', 'META_VERIFY_TOKEN'],
    ['RETENTION_AUDIT_DAY_', 'RETENTION_AUDIT_DAYS'],
  ])('named %s is hinted to be %s', (name, meant) => {
    expect(() => readConfig({}, [readEnvFile('.env', `${name}=x`)])).toThrow(
      `.env, line 1: ${name}: there is no such variable; did you mean ${meant}?`,
    );
  });

  test.each([
    ['HUBSPOT_TOKEN', 'HUBSPOT_ACCESS_TOKEN'],
    ['WHATSAPP_PHONE_ID', 'WHATSAPP_PHONE_NUMBER_ID'],
  ])('of the environment that is called %s is told with a hint', (name, meant) => {
    expect(readConfig({ [name]: 'x' }).unread).toEqual([`${name} (did you mean ${meant}?)`]);
  });

  test('has Node send no calls within this machine to a proxy', () => {
    const proxy = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://proxy.example:3128' };
    const refusal = 'NO_PROXY: must hold localhost,127.0.0.1';
    expect(() => readConfig(proxy)).toThrow(refusal);
    expect(() => readConfig({ ...proxy, no_proxy: 'localhost' })).toThrow(refusal);
    const byOption = { HTTP_PROXY: proxy.HTTP_PROXY, NODE_OPTIONS: '--use-env-proxy' };
    expect(() => readConfig(byOption)).toThrow(refusal);
    expect(readConfig({ ...proxy, NO_PROXY: '.example, localhost,127.0.0.1' }).port).toBe(8080);
    expect(readConfig({ ...proxy, NO_PROXY: '*' }).port).toBe(8080);
    expect(readConfig({ HTTP_PROXY: proxy.HTTP_PROXY }).port).toBe(8080);
  });

  test('reads the share of traces where it is one', () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
    const arg = { OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://localhost:14250' };
    expect(readConfig(arg).tracedShare).toBeUndefined();
    expect(readConfig({ ...on, ...arg, OTEL_TRACES_SAMPLER: 'jaeger_remote' }).tracedShare).toBe(1);
    const ratio = { ...on, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' };
    expect(readConfig({ ...ratio, OTEL_TRACES_SAMPLER_ARG: '0.5' }).tracedShare).toBe(0.5);
    expect(() => readConfig({ ...ratio, ...arg })).toThrow('OTEL_TRACES_SAMPLER_ARG: must be a share');
    expect(() => readConfig({ ...on, ...arg })).toThrow('OTEL_TRACES_SAMPLER_ARG: must be a share');
  });

  test('in a file of settings holds ours alone, and what the programs below us read', () => {
    const inFile = (...names: string[]) =>
      readConfig({}, [readEnvFile('.env', names.map((name) => `${name}=x`).join('\n'))]);
    expect(inFile('PORT', 'NODE_EXTRA_CA_CERTS', 'OTEL_SERVICE_NAME', 'PGSSLROOTCERT', 'TZ').port).toBe(8080);
    expect(() => inFile('PORT', 'COMPOSE_PROJECT')).toThrow(
      '.env, line 2: COMPOSE_PROJECT: there is no such variable; take it out of the file of settings',
    );
    expect(() => inFile('SECRET_KEY')).toThrow('did you mean SECRETS_KEY?');
    expect(() => inFile('Database_Url')).toThrow('did you mean DATABASE_URL?');
  });

  const secret = 'k3yOfSomeSortxxxx';
  test.each([
    ['SECRETS_KEY=\nk3yOfSomeSortxxxx=', 'line 2: is no setting'],
    ['SECRETS_KEY=\nK3YOFSOMESORTXXXX=', 'line 2: is no setting'],
    ['SECRETS_KEY=\nk3yOfSomeSort_xxxx==', 'line 2: is no setting'],
    ['SECRETS_KEY=\nk3yOfSomeSortxxxx/+=', 'line 2: is no setting'],
    ['PORT=1\n\nPORT=k3yOfSomeSortxxxx', 'line 3: sets what line 1 sets already'],
    ['# mine\nDATABASE_URL=postgres://u:k3yOfSomeSortxxxx#y@db/x', 'line 2: has a # in its value'],
    ['META_VERIFY_TOKEN=#k3yOfSomeSortxxxx', 'line 1: has a # in its value'],
    ['META_VERIFY_TOKEN="k3yOfSomeSortxxxx', 'line 1: has a quote that is not closed'],
    ["META_VERIFY_TOKEN='k3yOfSomeSortxxxx\nPORT=1'", 'line 1: has a quote that is not closed'],
    ['META_VERIFY_TOKEN="k3yOf"SomeSortxxxx"', 'line 1: goes on behind its closing quote'],
    ['\uFEFFPORT=k3yOfSomeSortxxxx', 'line 1: begins with a byte order mark'],
  ])('a file of settings that says %j is refused with its line and none of its values', (text, message) => {
    const read = (): unknown => readConfig(parseEnv(text), [readEnvFile('.env', text)]);
    expect(read).toThrow(`.env, ${message}`);
    expect(read).not.toThrow(new RegExp(secret.slice(0, 5), 'i'));
  });

  test('a file of settings may hold quotes, comments and Windows line ends', () => {
    const text = [
      'PORT=8081 # as the proxy has it#',
      'export HOST="localhost" # quoted',
      `META_VERIFY_TOKEN='a # in quotes'`,
      '  # nothing',
      'DATA_DIR =./kept',
      'LOG_LEVEL=',
    ].join('\r\n');
    const { names } = readEnvFile('.env', text);
    expect([...names.keys()]).toEqual(['PORT', 'HOST', 'META_VERIFY_TOKEN', 'DATA_DIR', 'LOG_LEVEL']);
    expect(parseEnv(text)).toMatchObject({ PORT: '8081', META_VERIFY_TOKEN: 'a # in quotes' });
  });

  test.each(['~/sangam', '$HOME/sangam', '${HOME}/sangam', `/srv/"my data"`, `/srv/'x'`])(
    'takes no %s as DATA_DIR, which no shell would read',
    (DATA_DIR) => {
      expect(() => readConfig({ DATA_DIR })).toThrow('DATA_DIR: must be a path as it is');
    },
  );

  test.each(['0x50', '1e4', '80.5', '-1', '+80'])('takes no %s as PORT', (PORT) => {
    expect(() => readConfig({ PORT })).toThrow('PORT: must be a number from 0 to 65535, in digits');
  });

  test.each([
    ['META_APP_SECRET', { ...live, META_APP_SECRET: ' '.repeat(20) }, 'is blank: give it a value'],
    ['META_APP_SECRET', { ...live, META_APP_SECRET: `${'a'.repeat(32)}\n` }, 'begins or ends with a blank'],
    ['META_APP_SECRET', { ...live, META_APP_SECRET: `"${'a'.repeat(32)}"` }, 'stands in quotes'],
    [
      'META_APP_SECRET',
      { ...live, META_APP_SECRET: `${'a'.repeat(16)} ${'a'.repeat(15)}` },
      'without blanks',
    ],
    ['META_VERIFY_TOKEN', { ...live, META_VERIFY_TOKEN: "'verify-me'" }, 'stands in quotes'],
    ['META_VERIFY_TOKEN', { ...live, META_VERIFY_TOKEN: 'verify\nme too' }, 'holds a line break'],
    [
      'WHATSAPP_ACCESS_TOKEN',
      { ...live, WHATSAPP_ACCESS_TOKEN: `Bearer ${'E'.repeat(40)}` },
      'without "Bearer"',
    ],
    [
      'WHATSAPP_ACCESS_TOKEN',
      { ...live, WHATSAPP_ACCESS_TOKEN: `EAA\n${'E'.repeat(40)}` },
      'holds a line break',
    ],
    [
      'HUBSPOT_ACCESS_TOKEN',
      { ...live, HUBSPOT_ACCESS_TOKEN: 'bearer pat-na1-abcdefgh' },
      'without "Bearer"',
    ],
    [
      'HUBSPOT_CLIENT_SECRET',
      { ...hubspot, HUBSPOT_CLIENT_SECRET: `'${'s'.repeat(36)}'` },
      'stands in quotes',
    ],
    [
      'HUBSPOT_CLIENT_ID',
      { ...hubspot, HUBSPOT_CLIENT_ID: '\tclient-of-ours' },
      'begins or ends with a blank',
    ],
    ['METRICS_TOKEN', { METRICS_TOKEN: `Bearer ${'m'.repeat(20)}` }, 'without "Bearer"'],
    ['SECRETS_KEY', { SECRETS_KEY: `"${live.SECRETS_KEY}"` }, 'stands in quotes'],
    ['PUBLIC_URL', { ...live, PUBLIC_URL: '"https://sangam.example"' }, 'stands in quotes'],
    ['LOG_LEVEL', { LOG_LEVEL: 'info ' }, 'begins or ends with a blank'],
    ['PORT', { PORT: '"8080"' }, 'stands in quotes'],
  ])('says what %s brought along', (name, env, problem) => {
    const line = new RegExp(`\\n  ${name}: [^\\n]*${problem}[^\\n]*\\n`);
    expect(() => readConfig(env)).toThrow(line);
  });

  const passwordHidden = 'hush';
  test.each([
    [
      `postgres://sangam:${passwordHidden}/x@db:5432/sangam`,
      'escaped in user and password: @ as %40, / as %2F',
    ],
    [`postgres://sangam:1/${passwordHidden}@db:5432/sangam`, 'escaped in user and password'],
    [`postgres://sangam:${passwordHidden}@x@db:5432/sangam`, 'escaped in user and password'],
    [`postgres://sangam:${passwordHidden}#x@db:5432/sangam`, '# as %23'],
    [`postgres://sangam:5#${passwordHidden}@db:5432/sangam`, '# as %23'],
    [`postgres://sangam:${passwordHidden}?x@db:5432/sangam`, '? as %3F'],
    [`postgres://sangam:${passwordHidden}%x@db:5432/sangam`, '% as %25'],
    [`postgres://sangam:${passwordHidden}@db:5432/sangam#x`, 'must have no #'],
    [`postgres://sangam:${passwordHidden}@db:port/sangam`, 'must look like postgres://'],
    [`sangam:${passwordHidden}@db:5432/sangam`, 'must look like postgres://'],
    [`postgresql:/sangam:${passwordHidden}@db/sangam`, 'must look like postgres://'],
    [
      `postgres://sangam:${passwordHidden}@db/sangam?sslmode=requier`,
      'must have an sslmode of disable, no-verify',
    ],
    [
      `postgres://sangam:${passwordHidden}@db/sangam?sslmode=prefer`,
      'must have an sslmode of disable, no-verify',
    ],
    [
      `postgres://sangam:${passwordHidden}@db/sangam?sslrootcert=/nowhere/ca.pem`,
      'must name files that can be read: /nowhere/ca.pem (ENOENT)',
    ],
    [`postgres://sangam:${passwordHidden}@db/sangam?sslrootcert=${tmpdir()}`, 'one of them is a folder'],
    [`postgres://sangam:${passwordHidden}@db/sangam?sslmode=`, 'must have an sslmode of disable, no-verify'],
  ])('refuses %s as DATABASE_URL and says why, without the password', (DATABASE_URL, problem) => {
    expect(() => readConfig({ DATABASE_URL })).toThrow(`DATABASE_URL: must`);
    expect(() => readConfig({ DATABASE_URL })).toThrow(problem);
    expect(() => readConfig({ DATABASE_URL })).not.toThrow(passwordHidden);
  });

  test.each([
    ['postgres://sangam:h%40%2F%23%3F%25@db:5432/sangam', undefined],
    ['postgresql://localhost', undefined],
    ['postgres:///sangam?host=/var/run/postgresql', undefined],
    ['postgres:///sangam?host=/cloudsql/project:region:instance', undefined],
    ['postgres://u:p@/sangam?host=/cloudsql/project:region:instance', undefined],
    ['postgres://u:p@/sangam?host=/cloudsql/x&application_name=a@b', undefined],
    ['postgres://db/sangam?application_name=a@b', undefined],
    ['postgres://u:p@db/sangam?application_name=a@b', undefined],
    ['postgres://u:p@db/sangam?sslmode=verify-full', undefined],
    ['postgres://u:p@db/sangam?sslmode=no-verify', undefined],
    ['postgres://u:p@db/sangam?uselibpqcompat=true&sslmode=require', undefined],
    // What pg takes it for, with a warning of its own.
    ['postgres://u:p@db/sangam?sslmode=require', 'postgres://u:p@db/sangam?sslmode=verify-full'],
    ['postgres://u:p@db/sangam?sslmode=verify-ca', 'postgres://u:p@db/sangam?sslmode=verify-full'],
  ])('takes %s as DATABASE_URL', (DATABASE_URL, read = DATABASE_URL) => {
    expect(readConfig({ DATABASE_URL }).databaseUrl).toBe(read);
  });

  test('never shows a value it refuses', () => {
    expect(() => readConfig({ PUBLIC_URL: 'https://asha:hush@sangam.example' })).toThrow(/^(?!.*hush)/s);
    expect(() => readConfig({ ...live, META_VERIFY_TOKEN: 'secret!' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret!') }),
    );
  });
});
