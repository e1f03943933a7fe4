import { readTemplate, type Template, type TemplateDraft } from '@sangam/core/whatsapp';
import { z } from 'zod';
import { asJson, callGraph, type GraphAccess, isSuccess } from './graph-call.ts';
import { failure, graphErrorIn, graphFailure } from './graph-errors.ts';
import { graphPages, unreadable } from './graph-pages.ts';

/** An account's templates at Meta's Cloud API. docs/vendors/whatsapp.md §3.9. */

const timeoutMs = 20_000;
const mostBytes = 16 * 1024 * 1024;
/** 6,000 templates are the most of an account. */
const mostPages = 100;

const fields = 'id,name,language,category,status,quality_score,parameter_format,components';

export interface AccountAccess extends GraphAccess {
  readonly wabaId: string;
}

export async function accountTemplates(access: AccountAccess, name?: string): Promise<Template[]> {
  const asked = {
    path: `/${access.wabaId}/message_templates`,
    query: { fields, ...(name === undefined ? {} : { name }) },
  };
  const pages = graphPages(access, asked, {
    item: z.unknown(),
    mostPages,
    timeoutMs,
    mostBytes,
    refused: (answer) => graphFailure(answer.status, graphErrorIn(answer, access.accessToken)),
  });
  const all: Template[] = [];
  let read = 0;
  for await (const page of pages) {
    read += 1;
    all.push(...page.flatMap((one) => readTemplate(one) ?? []));
  }
  // Whoever is given a part takes it for the whole.
  if (read === mostPages) {
    throw failure('incomplete_answer', 'later', 'WhatsApp lists more templates than an account may have');
  }
  // Graph may answer a name by others that hold it.
  return name === undefined ? all : all.filter((template) => template.name === name);
}

const submitted = z.looseObject({
  id: z.coerce.string().min(1),
  status: z.string().transform((status) => status.toLowerCase()),
});

export async function submitTemplate(
  access: AccountAccess,
  draft: TemplateDraft,
): Promise<{ templateId: string; status: string }> {
  const path = `/${access.wabaId}/message_templates`;
  const answer = await callGraph(
    access,
    { method: 'POST', path, ...asJson(draftBody(draft)) },
    { timeoutMs, mostBytes },
  );
  if (!isSuccess(answer)) throw graphFailure(answer.status, graphErrorIn(answer, access.accessToken));
  const read = submitted.safeParse(answer.body);
  if (!read.success) throw unreadable(answer);
  return { templateId: read.data.id, status: read.data.status };
}

function draftBody({ name, language, category, header, body, bodyExamples, footer, buttons }: TemplateDraft) {
  return {
    name,
    language,
    category: category.toUpperCase(),
    parameter_format: 'POSITIONAL',
    components: [
      ...(header === undefined
        ? []
        : [
            {
              type: 'HEADER',
              format: 'TEXT',
              text: header.text,
              ...(header.example === undefined ? {} : { example: { header_text: [header.example] } }),
            },
          ]),
      {
        type: 'BODY',
        text: body,
        ...(bodyExamples.length === 0 ? {} : { example: { body_text: [bodyExamples] } }),
      },
      ...(footer === undefined ? [] : [{ type: 'FOOTER', text: footer }]),
      ...(buttons.length === 0 ? [] : [{ type: 'BUTTONS', buttons: buttons.map(draftButton) }]),
    ],
  };
}

function draftButton(button: TemplateDraft['buttons'][number]): object {
  return { type: button.kind === 'other' ? button.type : 'QUICK_REPLY', text: button.text };
}
