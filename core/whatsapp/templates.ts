/** Message templates: what they are, what they take, what a person reads. docs/vendors/whatsapp.md §3.2, §3.9. */

export type TemplateCategory = 'marketing' | 'utility' | 'authentication';
export type ParameterFormat = 'positional' | 'named';
export type HeaderKind = 'text' | 'image' | 'video' | 'document' | 'location';

export type TemplateButton =
  | { readonly kind: 'quick reply'; readonly text: string }
  /** `takesValue`: its address ends in a variable. */
  | { readonly kind: 'url'; readonly text: string; readonly url: string; readonly takesValue: boolean }
  | { readonly kind: 'phone number'; readonly text: string }
  | { readonly kind: 'copy code'; readonly text: string }
  | { readonly kind: 'flow'; readonly text: string }
  /** Such as a catalog or a request for contact info: takes nothing we give. */
  | { readonly kind: 'other'; readonly type: string; readonly text: string };

/** A template of an account in one language. */
export interface Template {
  readonly templateId: string;
  readonly name: string;
  readonly language: string;
  readonly category: TemplateCategory;
  /** As the provider says it, in lower case: `approved`, `pending`, `rejected`, `paused`, `disabled` … */
  readonly status: string;
  /** `green`, `yellow`, `red`, `unknown`. */
  readonly quality: string;
  readonly parameterFormat: ParameterFormat;
  readonly header?: { readonly kind: HeaderKind; readonly text?: string };
  readonly body: string;
  readonly footer?: string;
  readonly buttons: readonly TemplateButton[];
  /** What wants values that nobody can give us, such as a carousel: with any of it, it cannot be sent. */
  readonly unsupported: readonly string[];
}

/** A template to be submitted for review. */
export interface TemplateDraft {
  readonly name: string;
  readonly language: string;
  readonly category: TemplateCategory;
  readonly header?: { readonly text: string; readonly example?: string };
  readonly body: string;
  /** One for each variable of the body, in their order. */
  readonly bodyExamples: readonly string[];
  readonly footer?: string;
  /** Those of which text and type are all that WhatsApp wants to know. */
  readonly buttons: readonly Extract<TemplateButton, { kind: 'quick reply' | 'other' }>[];
}

/** Why values do not fit a template: where, and what to do. */
export interface TemplateProblem {
  /** Such as `body[2]`, `body.first_name`, `header`; of a button the place it has in the template, such as `buttons[0]`. */
  readonly path: string;
  readonly message: string;
}
