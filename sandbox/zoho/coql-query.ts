import { zohoError, type ZohoError } from './errors.ts';

/** COQL as far as the sandbox plays it, read from its text. docs/vendors/zoho.md §5.2. */

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | {
      readonly kind: 'is';
      readonly column: string;
      readonly operator: string;
      /** As written, without quotes. */
      readonly values: readonly string[];
    };

export interface Query {
  readonly columns: readonly string[];
  readonly module: string;
  readonly where: Condition;
  readonly orderBy: readonly { readonly column: string; readonly descending: boolean }[];
  readonly limit: number;
  readonly offset: number;
}

interface Token {
  readonly kind: 'word' | 'text' | 'sign';
  readonly text: string;
  readonly at: number;
}

const tokenForm = /\s*(?:'(?<text>(?:[^'\\]|\\.)*)'|(?<word>[\w$.+:-]+)|(?<sign><=|>=|!=|[=<>(),]))/y;

/** Thrown while a query is read. */
class Unreadable extends Error {
  readonly error: ZohoError;

  constructor(error: ZohoError) {
    super(error.message);
    this.error = error;
  }
}

export function readQuery(text: string): Query | ZohoError {
  try {
    return read(tokensOf(text));
  } catch (error) {
    if (error instanceof Unreadable) return error.error;
    throw error;
  }
}

function syntaxError(details: object, message = 'syntax error'): Unreadable {
  return new Unreadable(zohoError('SYNTAX_ERROR', message, { ...details }));
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < text.trimEnd().length) {
    const at = tokenForm.lastIndex;
    const { groups } = tokenForm.exec(text) ?? {};
    if (groups === undefined) throw syntaxError({ line: 1, column: at });
    const { text: quoted, word, sign } = groups;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replaceAll(/\\(.)/g, '$1'), at });
    else tokens.push({ kind: word === undefined ? 'sign' : 'word', text: word ?? sign ?? '', at });
  }
  return tokens;
}

function read(tokens: readonly Token[]): Query {
  let next = 0;
  const peek = (): Token | undefined => tokens[next];
  const isWord = (token: Token | undefined, word: string): boolean =>
    token?.kind === 'word' && token.text.toLowerCase() === word;
  const isSign = (sign: string): boolean => peek()?.kind === 'sign' && peek()?.text === sign;
  const unexpected = (): Unreadable => {
    const token = peek();
    return syntaxError({ line: 1, column: token?.at ?? 0, near: token?.text ?? '' });
  };
  const take = (): Token => {
    const token = peek();
    if (token === undefined) throw unexpected();
    next += 1;
    return token;
  };
  const takeIf = (word: string): boolean => {
    if (!isWord(peek(), word)) return false;
    next += 1;
    return true;
  };
  const takeSign = (sign: string): void => {
    if (!isSign(sign)) throw unexpected();
    next += 1;
  };
  const mustHave = (clause: string): void => {
    if (!takeIf(clause)) throw syntaxError({ clause }, 'missing clause');
  };
  const name = (): string => {
    if (peek()?.kind !== 'word') throw unexpected();
    return take().text;
  };
  const listOf = <Item>(one: () => Item): Item[] => {
    const items = [one()];
    while (isSign(',')) {
      take();
      items.push(one());
    }
    return items;
  };
  const value = (): string => {
    if (peek()?.kind === 'sign') throw unexpected();
    return take().text;
  };
  const number = (): number => {
    const text = value();
    if (!/^\d+$/.test(text)) throw syntaxError({ clause: 'limit' });
    return Number(text);
  };

  const comparison = (): Condition => {
    const column = name();
    if (takeIf('is')) {
      const operator = takeIf('not') ? 'is not null' : 'is null';
      if (!takeIf('null')) throw unexpected();
      return { kind: 'is', column, operator, values: [] };
    }
    if (takeIf('in')) {
      takeSign('(');
      const values = listOf(value);
      takeSign(')');
      return { kind: 'is', column, operator: 'in', values };
    }
    if (takeIf('like')) return { kind: 'is', column, operator: 'like', values: [value()] };
    const sign = take();
    if (sign.kind !== 'sign' || !['=', '!=', '<', '<=', '>', '>='].includes(sign.text)) {
      throw syntaxError({ line: 1, column: sign.at, near: sign.text });
    }
    return { kind: 'is', column, operator: sign.text, values: [value()] };
  };

  const operand = (): Condition => {
    if (!isSign('(')) return comparison();
    take();
    const inner = condition();
    takeSign(')');
    return inner;
  };

  /** Two at most: a third stands with its neighbour in parentheses. */
  const condition = (): Condition => {
    const left = operand();
    const kind = takeIf('and') ? 'and' : takeIf('or') ? 'or' : undefined;
    return kind === undefined ? left : { kind, left, right: operand() };
  };

  mustHave('select');
  const columns = listOf(name);
  mustHave('from');
  const module = name();
  mustHave('where');
  const where = condition();
  const orderBy: { column: string; descending: boolean }[] = [];
  if (takeIf('order')) {
    if (!takeIf('by')) throw unexpected();
    orderBy.push(
      ...listOf(() => {
        const column = name();
        const descending = takeIf('desc');
        if (!descending) takeIf('asc');
        return { column, descending };
      }),
    );
  }
  let [limit, offset] = [200, 0];
  if (takeIf('limit')) {
    limit = number();
    if (isSign(',')) {
      take();
      offset = limit;
      limit = number();
    } else if (takeIf('offset')) offset = number();
  }
  if (peek() !== undefined) throw unexpected();
  return { columns, module, where, orderBy, limit, offset };
}
