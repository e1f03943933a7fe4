import type { SandboxClock } from '../clock.ts';
import { createLateCalls } from '../late-calls.ts';
import type { Delivery } from './delivery.ts';
import type { WhatsappRules } from './rules.ts';
import type { Template } from './template.ts';
import { categoryUpdate, componentsUpdate, qualityUpdate, statusUpdate } from './template-items.ts';
import type { Templates } from './templates.ts';

/** What Meta does with a template: reviews it, changes it, and tells. */
export interface TemplateLife {
  /** A new or edited template waits for its review. */
  submit(template: Template): void;
  /** Becomes this, and each difference is told. */
  change(before: Template, changes: Partial<Template>, reason?: string): Template;
  /** Goes on with the reviews a journal brought back. */
  start(): void;
  close(): void;
}

export function createTemplateLife(options: {
  clock: SandboxClock;
  rules: () => WhatsappRules;
  templates: Templates;
  delivery: Pick<Delivery, 'queue'>;
}): TemplateLife {
  const { clock, rules, templates, delivery } = options;
  const late = createLateCalls(clock);

  const change = (before: Template, changes: Partial<Template>, reason?: string): Template => {
    const after: Template = { ...before, ...changes };
    const categoryChanged = after.category !== before.category;
    const template = categoryChanged ? { ...after, previousCategory: before.category } : after;
    templates.put(template);
    const at = clock.now();
    if (template.status !== before.status) delivery.queue(statusUpdate(template, reason, at));
    if (categoryChanged) delivery.queue(categoryUpdate(before, template, at));
    if (template.quality !== before.quality) delivery.queue(qualityUpdate(before, template, at));
    if (JSON.stringify(template.components) !== JSON.stringify(before.components))
      delivery.queue(componentsUpdate(template, at));
    return template;
  };

  const approve = (id: string, reviewedAt: number): void => {
    const template = templates.get(id);
    if (template?.status !== 'PENDING' || template.reviewedAt !== reviewedAt) return;
    change(template, { status: 'APPROVED', reviewedAt: undefined });
  };

  const reviewLater = ({ id, reviewedAt }: Template): void => {
    if (reviewedAt !== undefined)
      late.add(() => approve(id, reviewedAt), Math.max(0, reviewedAt - clock.now()));
  };

  return {
    submit(template) {
      const { templateReview } = rules();
      const afterMs = templateReview === 'at once' ? 0 : templateReview;
      const waiting: Template = {
        ...template,
        status: 'PENDING',
        reviewedAt: afterMs === 'pending' ? undefined : clock.now() + afterMs,
      };
      templates.put(waiting);
      reviewLater(waiting);
    },
    change,
    start() {
      for (const template of templates.all()) if (template.status === 'PENDING') reviewLater(template);
    },
    close: () => late.close(),
  };
}
