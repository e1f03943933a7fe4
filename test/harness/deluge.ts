import { createHmac } from 'node:crypto';
import { z } from 'zod';

/**
 * Reads the part of Deluge that zoho-extension/functions uses, and does what a file says. No interpreter of Zoho's runs outside
 * Zoho: this one knows nothing else, and throws at whatever it does not know.
 */

type Value = string | number | boolean | null | undefined | { readonly at: number } | Map<string, Value>;
type Scope = Map<string, Value>;
type Expression = (scope: Scope) => Value;
/** Whether it returned. */
type Statement = (scope: Scope) => { readonly returned: Value } | undefined;

interface DelugeFunction {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly body: Statement;
}

/** What `invokeurl` would send. */
export interface DelugeRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface World {
  /** By name, `standalone.sangam_settings`. */
  readonly functions: readonly DelugeFunction[];
  /** Milliseconds. */
  readonly now: number;
}

const token =
  /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|(?<text>"(?:\\["\\nt]|[^"\\\n])*")|(?<word>[A-Za-z_]\w*)|(?<number>\d+)|(?<sign>[=!]=|[-=+.,:;(){}[\]])/y;

/** What the function of `source` sends, called with these arguments; `others`: the functions it may call. */
export function runDeluge(
  source: string,
  args: readonly (string | null)[],
  world: { readonly now: number; readonly others: readonly string[] },
): { readonly sent: readonly DelugeRequest[]; readonly returned: Value } {
  const sent: DelugeRequest[] = [];
  const { now } = world;
  const others = world.others.map((one) => parse(tokensOf(one), { functions: [], now }, sent));
  const made = parse(tokensOf(source), { functions: others, now }, sent);
  return { sent, returned: call(made, args) };
}

/** As `zoho.encryption.hmacsha256` answers. docs/vendors/zoho.md §8. */
export function hmacsha256(key: string, data: string, form = 'base64'): string {
  if (form !== 'hex' && form !== 'base64') throw new SyntaxError(`hmacsha256 has no form ${form}.`);
  return createHmac('sha256', key).update(data, 'utf8').digest(form);
}

function call({ parameters, body }: DelugeFunction, args: readonly Value[]): Value {
  if (args.length !== parameters.length) throw new TypeError(`${parameters.length} arguments are due.`);
  return body(new Map(parameters.map((name, index) => [name, args[index]])))?.returned;
}

function tokensOf(source: string): readonly string[] {
  const found: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const start = token.lastIndex;
    const match = token.exec(source);
    if (match === null) throw new SyntaxError(`Not Deluge: ${source.slice(start, start + 40)}`);
    const { text, word, number, sign } = match.groups ?? {};
    const one = text ?? word ?? number ?? sign;
    if (one !== undefined) found.push(one);
  }
  return found;
}

function parse(tokens: readonly string[], world: World, sent: DelugeRequest[]): DelugeFunction {
  let place = 0;
  const next = (): string => tokens[place] ?? '';
  const take = (wanted?: string): string => {
    const one = next();
    if (one === '' || (wanted !== undefined && one !== wanted)) {
      throw new SyntaxError(`${wanted ?? 'more'} is due at ${tokens.slice(place - 3, place + 3).join(' ')}`);
    }
    place += 1;
    return one;
  };
  const takenIf = (wanted: string): boolean => next() === wanted && take(wanted) !== '';

  const list = (end: string): Expression[] => {
    const all: Expression[] = [];
    while (!takenIf(end)) {
      if (all.length > 0) take(',');
      all.push(sum());
    }
    return all;
  };

  const block = (): Statement => {
    const all: Statement[] = [];
    take('{');
    while (!takenIf('}')) all.push(statement());
    return (scope) => {
      for (const one of all) {
        const ended = one(scope);
        if (ended !== undefined) return ended;
      }
      return undefined;
    };
  };

  const statement = (): Statement => {
    if (takenIf('if')) {
      take('(');
      const condition = comparison();
      take(')');
      const then = block();
      return (scope) => (condition(scope) === true ? then(scope) : undefined);
    }
    if (takenIf('return')) {
      const value = sum();
      take(';');
      return (scope) => ({ returned: value(scope) });
    }
    const assigned = tokens[place + 1] === '=' ? take() : undefined;
    if (assigned !== undefined) take('=');
    else takenIf('info');
    const value = sum();
    take(';');
    return (scope) => {
      const found = value(scope);
      if (assigned !== undefined) scope.set(assigned, found);
      return undefined;
    };
  };

  const comparison = (): Expression => {
    const left = sum();
    const sign = take();
    const right = sum();
    if (sign !== '==' && sign !== '!=') throw new SyntaxError(`${sign} compares nothing.`);
    return (scope) => (left(scope) === right(scope)) === (sign === '==');
  };

  const sum = (): Expression => {
    let all = chain();
    while (takenIf('+')) {
      const [left, right] = [all, chain()];
      all = (scope) => textOf(left(scope)) + textOf(right(scope));
    }
    return all;
  };

  const chain = (): Expression => {
    let value = primary();
    while (takenIf('.')) {
      const [of, name] = [value, take()];
      take('(');
      const args = list(')');
      value = (scope) =>
        method(
          of(scope),
          name,
          args.map((one) => one(scope)),
        );
    }
    return value;
  };

  const primary = (): Expression => {
    const one = take();
    if (one.startsWith('"')) {
      const text = JSON.parse(one) as string;
      return () => text;
    }
    if (one === 'true' || one === 'false') return () => one === 'true';
    if (one === 'invokeurl') return invocation();
    if (one === 'zoho') return ofZoho();
    if (one === 'standalone') return ofOthers();
    if (one === 'Map' || one === 'ifnull') {
      take('(');
      const args = list(')');
      if (one === 'Map') return () => new Map();
      return (scope) => args[0]?.(scope) ?? args[1]?.(scope);
    }
    if (!/^[a-z_]/.test(one)) throw new SyntaxError(`${one} is no value.`);
    return (scope) => {
      if (!scope.has(one)) throw new ReferenceError(`${one} is nothing.`);
      return scope.get(one);
    };
  };

  const ofZoho = (): Expression => {
    take('.');
    if (takenIf('currenttime')) return () => ({ at: world.now });
    for (const one of ['encryption', '.', 'hmacsha256', '(']) take(one);
    const args = list(')');
    return (scope) => {
      const [key, data, form] = args.map((one) => textOf(one(scope)));
      return hmacsha256(key ?? '', data ?? '', form);
    };
  };

  const ofOthers = (): Expression => {
    take('.');
    const name = `standalone.${take()}`;
    take('(');
    const args = list(')');
    return (scope) => {
      const known = world.functions.find((other) => other.name === name);
      if (known === undefined) throw new ReferenceError(`${name} is no function.`);
      return call(
        known,
        args.map((one) => one(scope)),
      );
    };
  };

  const invocation = (): Expression => {
    const given = new Map<string, Expression>();
    take('[');
    while (!takenIf(']')) {
      let key = take();
      while (takenIf('-')) key += `-${take()}`;
      take(':');
      const word = key === 'type' ? take() : undefined;
      given.set(key, word === undefined ? sum() : () => word);
    }
    return (scope) => {
      const said = new Map([...given].map(([key, value]) => [key, value(scope)]));
      const {
        url,
        type: method,
        headers,
        body,
        'content-type': contentType,
      } = request.parse(Object.fromEntries(said));
      const named = { ...Object.fromEntries(headers), 'Content-Type': contentType };
      sent.push({ url, method, headers: named, body });
      return new Map([['responseCode', 200]]);
    };
  };

  const kind = take();
  if (kind !== 'void' && kind !== 'map') throw new SyntaxError(`A function of ${kind}.`);
  const name = `${take()}${take('.')}${take()}`;
  take('(');
  const parameters: string[] = [];
  while (!takenIf(')')) {
    if (parameters.length > 0) take(',');
    take('String');
    parameters.push(take());
  }
  const body = block();
  if (next() !== '') throw new SyntaxError(`After the function's end: ${next()}`);
  return { name, parameters, body };
}

/** All that we use of it, and what lets an answer that is no 2xx come back. */
const request = z.strictObject({
  url: z.string(),
  type: z.literal('POST'),
  headers: z.map(z.string(), z.string()),
  body: z.string(),
  'content-type': z.string(),
  detailed: z.literal(true),
});

function method(of: Value, name: string, args: readonly Value[]): Value {
  const [first, second] = args;
  if (of instanceof Map) {
    if (name === 'put') return void of.set(textOf(first), second);
    if (name === 'get') return of.get(textOf(first)) ?? null;
    if (name === 'toString') return JSON.stringify(Object.fromEntries(of));
  } else if (typeof of === 'number' && name === 'toString') {
    return String(of);
  } else if (typeof of === 'object' && of !== null && name === 'toLong') {
    return of.at;
  }
  throw new TypeError(`Nothing here has a ${name}.`);
}

function textOf(value: Value): string {
  if (typeof value !== 'string') throw new TypeError(`A ${typeof value} is no text.`);
  return value;
}
