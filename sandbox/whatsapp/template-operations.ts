import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { type Answer, ok, parseJson } from '../http.ts';
import { compact } from './compact.ts';
import { badParameter } from './graph-errors.ts';
import type { WhatsappRules } from './rules.ts';
import { componentsSchema, type Template, type TemplateComponent } from './template.ts';
import { refusedContent, refusedName, submissionSchema, templateRefusal } from './template-checks.ts';
import type { TemplateLife } from './template-life.ts';
import type { Templates } from './templates.ts';

/** Graph's operations on templates. docs/vendors/whatsapp.md §3.2. */
export interface TemplateOperations {
  list(query: URLSearchParams): Answer;
  submit(text: string): Answer;
  remove(query: URLSearchParams): Answer;
  /** Undefined: there is no such template. */
  read(id: string, query: URLSearchParams): Answer | undefined;
  edit(id: string, text: string): Answer | undefined;
}

/** What is told where no `fields` are named. */
const defaultFields = ['name', 'parameter_format', 'components', 'language', 'status', 'category', 'id'];
const usualLimit = 25;
const dayMs = 86_400_000;

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(usualLimit),
  after: z.string().optional(),
  before: z.string().optional(),
  fields: z.string().optional(),
  name: z.string().optional(),
  language: z.string().optional(),
  status: z.string().optional(),
  category: z.string().optional(),
});

const edited = z.looseObject({
  category: submissionSchema.shape.category.optional(),
  components: componentsSchema.optional(),
});

export function createTemplateOperations(options: {
  clock: SandboxClock;
  rules: () => WhatsappRules;
  templates: Templates;
  life: TemplateLife;
}): TemplateOperations {
  const { clock, rules, templates, life } = options;

  const isNameHeld = (name: string): boolean => {
    const at = templates.deletedAt(name);
    return at !== undefined && clock.now() - at < rules().deletedNameDays * dayMs;
  };

  return {
    list(query) {
      const asked = listQuery.safeParse(Object.fromEntries(query));
      if (!asked.success) return badParameter(z.prettifyError(asked.error));
      const { limit, after, before, fields, ...filters } = asked.data;
      const fit = templates
        .all()
        .filter((one) =>
          (['name', 'language', 'status', 'category'] as const).every(
            (key) => filters[key] === undefined || filters[key] === one[key],
          ),
        );
      const from = after === undefined ? Math.max(0, placeOf(before, limit) - limit) : placeOf(after, 0);
      const page = fit.slice(from, from + limit);
      return ok({
        data: page.map((one) => told(one, fields)),
        ...(page.length === 0
          ? {}
          : { paging: { cursors: { before: cursorOf(from), after: cursorOf(from + page.length) } } }),
      });
    },

    submit(text) {
      const read = submissionSchema.safeParse(parseJson(text));
      if (!read.success) return badParameter(z.prettifyError(read.error));
      const { name, language, category, parameter_format: parameterFormat, components } = read.data;
      const wanted = { category, components: components.map(asKept), parameterFormat };
      const refused = refusedName(name, language) ?? refusedContent({ ...wanted, components });
      if (refused !== undefined) return refused;
      if (templates.find(name, language) !== undefined)
        return templateRefusal({ about: 'There is already content in this language', subcode: 2_388_024 });
      if (isNameHeld(name))
        return templateRefusal({ about: 'A template of this name is being deleted', subcode: 2_388_023 });
      const isMadeMarketing = category === 'UTILITY' && rules().submittedUtility === 'made marketing';
      const template: Template = {
        ...wanted,
        id: templates.nextId(),
        name,
        language,
        category: isMadeMarketing ? 'MARKETING' : category,
        status: 'PENDING',
        quality: 'UNKNOWN',
      };
      life.submit(template);
      return ok({ id: template.id, status: template.status, category: template.category });
    },

    remove(query) {
      const [name, id] = [query.get('name'), query.get('hsm_id')];
      const found = templates.all().filter((one) => one.name === name && (id === null || one.id === id));
      if (found.length === 0)
        return templateRefusal({ about: 'There is no such message template', subcode: 2_593_002 });
      for (const template of found) templates.remove(template);
      return ok({ success: true });
    },

    read(id, query) {
      const template = templates.get(id);
      return template === undefined ? undefined : ok(told(template, query.get('fields') ?? undefined));
    },

    edit(id, text) {
      const template = templates.get(id);
      if (template === undefined) return undefined;
      const read = edited.safeParse(parseJson(text));
      if (!read.success) return badParameter(z.prettifyError(read.error));
      if (template.status === 'PENDING' || template.status === 'PENDING_DELETION')
        return templateRefusal({ about: 'A template in review cannot be edited' });
      const category = read.data.category ?? template.category;
      if (category !== template.category && template.status === 'APPROVED')
        return templateRefusal({ about: 'The category of an approved template cannot be changed' });
      const components = read.data.components ?? template.components;
      const refused =
        read.data.components === undefined
          ? undefined
          : refusedContent({ components, category, parameterFormat: template.parameterFormat });
      if (refused !== undefined) return refused;
      life.submit({ ...template, category, components: components.map(asKept), rejectedReason: undefined });
      return ok({ success: true });
    },
  };
}

/** Meta makes a link of a button that copies a code, and its own words of an authentication's. */
function asKept(component: TemplateComponent): TemplateComponent {
  const { add_security_recommendation: secured } = component;
  if (component.type === 'BODY' && component.text === undefined)
    return {
      ...component,
      text:
        '*{{1}}* is your verification code.' +
        (secured === true ? ' For your security, do not share this code.' : ''),
    };
  if (component.type !== 'BUTTONS') return component;
  return {
    ...component,
    buttons: (component.buttons ?? []).map((button) =>
      button.type === 'OTP'
        ? {
            type: 'URL',
            text: button.text ?? 'Copy code',
            url: `https://www.whatsapp.com/otp/code/?otp_type=${String(button['otp_type'])}&code=otp{{1}}`,
          }
        : button,
    ),
  };
}

function told(template: Template, fields: string | undefined): object {
  const all: Readonly<Record<string, unknown>> = compact({
    id: template.id,
    name: template.name,
    language: template.language,
    status: template.status,
    category: template.category,
    previous_category: template.previousCategory,
    parameter_format: template.parameterFormat,
    components: template.components,
    quality_score: { score: template.quality },
    rejected_reason: template.rejectedReason ?? 'NONE',
  });
  const asked =
    fields === undefined ? defaultFields : fields.split(',').map((name) => name.replace(/[{(].*$/, ''));
  return Object.fromEntries(
    [...new Set([...asked, 'id'])].flatMap((name) => (name in all ? [[name, all[name]]] : [])),
  );
}

function cursorOf(place: number): string {
  return Buffer.from(`template:${String(place)}`).toString('base64url');
}

function placeOf(cursor: string | undefined, otherwise: number): number {
  const place = /^template:(\d+)$/.exec(Buffer.from(cursor ?? '', 'base64url').toString())?.[1];
  return place === undefined ? otherwise : Number(place);
}
