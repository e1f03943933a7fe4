import { compact } from './compact.ts';
import { buttonsOf, componentOf, type Template } from './template.ts';
import type { AccountItem } from './webhook.ts';

/** What Meta tells of templates. docs/vendors/whatsapp.md §1.10. */

const named = ({ id, name, language }: Template): object => ({
  message_template_id: Number(id),
  message_template_name: name,
  message_template_language: language,
});

export const statusUpdate = (template: Template, reason: string | undefined, at: number): AccountItem => ({
  field: 'message_template_status_update',
  at,
  value: {
    event: template.status,
    ...named(template),
    reason: reason ?? 'NONE',
    message_template_category: template.category,
  },
});

export const qualityUpdate = (before: Template, template: Template, at: number): AccountItem => ({
  field: 'message_template_quality_update',
  at,
  value: {
    previous_quality_score: before.quality,
    new_quality_score: template.quality,
    ...named(template),
  },
});

export const categoryUpdate = (before: Template, template: Template, at: number): AccountItem => ({
  field: 'template_category_update',
  at,
  value: { ...named(template), previous_category: before.category, new_category: template.category },
});

export function componentsUpdate(template: Template, at: number): AccountItem {
  const buttons = buttonsOf(template);
  return {
    field: 'message_template_components_update',
    at,
    value: {
      ...named(template),
      ...compact({
        message_template_title: componentOf(template, 'HEADER')?.text,
        message_template_element: componentOf(template, 'BODY')?.text,
        message_template_footer: componentOf(template, 'FOOTER')?.text,
        message_template_buttons:
          buttons.length === 0
            ? undefined
            : buttons.map((button) =>
                compact({
                  message_template_button_type: button.type,
                  message_template_button_text: button.text,
                  message_template_button_url: button.url,
                  message_template_button_phone_number: button.phone_number,
                }),
              ),
      }),
    },
  };
}
