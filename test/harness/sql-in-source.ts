/**
 * Statements as TypeScript says them: templates with what fragments of SQL are put into them, a `$` for each parameter. Enough
 * of the language to find them, and no more.
 */

interface Template {
  /** `bound`: tagged `sql`, so that values put into it are parameters; `raw`: given to `sql.raw`; else any text. */
  readonly kind: 'bound' | 'raw' | 'text';
  readonly parts: readonly (string | { readonly code: string; readonly within: readonly Template[] })[];
  /** What it is the value of; undefined: of no name of its own. */
  readonly name: string | undefined;
}

/** Every statement and literal text of these sources, in lower case and with single blanks. */
export function sqlIn(sources: readonly string[]): string[] {
  const files = sources.map(templatesIn);
  const everywhere = Map.groupBy(files.flat(), ({ name }) => name);
  return files.flatMap((templates) => {
    const here = Map.groupBy(templates, ({ name }) => name);
    const named = (name: string): readonly Template[] => here.get(name) ?? everywhere.get(name) ?? [];
    return templates.map((template) => text(template, named).toLowerCase().replaceAll(/\s+/g, ' ').trim());
  });
}

function text(template: Template, named: (name: string) => readonly Template[]): string {
  return template.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      if (/^sql\.(raw|ref|table|join)\(/.test(part.code)) return ' name ';
      if (part.code.startsWith('sql.lit(')) return " 'literal' ";
      const name = /^\w+(?=\(|$)/.exec(part.code)?.[0] ?? '';
      const isFragment = (one: Template): boolean =>
        one !== template && (one.kind !== 'text' || template.kind !== 'bound');
      const fragments = [...part.within, ...named(name)].filter(isFragment);
      if (fragments.length > 0) return fragments.map((fragment) => text(fragment, named)).join(' ');
      return template.kind === 'bound' ? ' $ ' : ' name ';
    })
    .join('');
}

function templatesIn(source: string): Template[] {
  return [...scan(source, 0).templates];
}

/** Comments, quoted texts and regular expressions. */
const skippedCode =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|(?<=[=(,:?!&|;{}\n]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//y;

/** Code from there to its end, or to the brace that closes it. */
function scan(source: string, from: number): { readonly templates: Template[]; readonly end: number } {
  const templates: Template[] = [];
  let depth = 0;
  let at = from;
  while (at < source.length) {
    skippedCode.lastIndex = at;
    const skipped = skippedCode.exec(source)?.[0];
    if (skipped !== undefined) {
      if (/^['"]/.test(skipped)) templates.push(templateOf(source.slice(0, at), [skipped.slice(1, -1)]));
      at += skipped.length;
      continue;
    }
    const character = source[at];
    if (character === '`') {
      const { template, end } = scanTemplate(source, at);
      templates.push(template);
      at = end;
      continue;
    }
    if (character === '{') depth += 1;
    if (character === '}' && depth === 0) return { templates, end: at };
    if (character === '}') depth -= 1;
    at += 1;
  }
  return { templates, end: at };
}

function scanTemplate(source: string, start: number): { readonly template: Template; readonly end: number } {
  const parts: Template['parts'][number][] = [];
  let at = start + 1;
  let literal = '';
  for (;;) {
    const character = source[at];
    if (character === undefined) throw new Error('A template that is not closed.');
    if (character === '`') break;
    if (character === '\\') {
      literal += source.slice(at, at + 2);
      at += 2;
    } else if (source.startsWith('${', at)) {
      const { templates, end } = scan(source, at + 2);
      parts.push(literal, { code: source.slice(at + 2, end).trim(), within: templates });
      literal = '';
      at = end + 1;
    } else {
      literal += character;
      at += 1;
    }
  }
  parts.push(literal);
  return { template: templateOf(source.slice(0, start), parts), end: at + 1 };
}

function templateOf(before: string, parts: Template['parts']): Template {
  const isRaw = /\bsql\.raw\(\s*$/.test(before);
  const isBound = /\bsql(?:<[^`]*>)?$/.test(before);
  return { kind: isRaw ? 'raw' : isBound ? 'bound' : 'text', parts, name: nameOf(before) };
}

/** Of the constant or function whose value begins there. */
function nameOf(before: string): string | undefined {
  const constant = [...before.matchAll(/\bconst (\w+)/g)].at(-1);
  if (constant !== undefined && !/;\n|\bawait\b/.test(before.slice(constant.index))) return constant[1];
  if (!/\breturn (?:sql(?:<[^`]*>)?|sql\.raw\(\s*)?$/.test(before)) return undefined;
  return [...before.matchAll(/^(?:export )?function (\w+)/gm)].at(-1)?.[1];
}
