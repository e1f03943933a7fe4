import { Router } from 'express';
import { z } from 'zod';
import { answering, ControlError, ok, readBody } from '../http.ts';
import { componentsSchema, categories, qualities, templateStatuses } from './template.ts';
import type { TemplateLife } from './template-life.ts';
import type { Templates } from './templates.ts';

const changes = z.strictObject({
  status: z.enum(templateStatuses).optional(),
  category: z.enum(categories).optional(),
  quality: z.enum(qualities).optional(),
  components: componentsSchema.optional(),
  /** Why, as the webhook tells it. */
  reason: z.string().optional(),
});

/** What Meta decides about the business's templates. */
export function templateControls(options: {
  templates: Templates;
  life: TemplateLife;
  written: () => Promise<void>;
}): Router {
  const { templates, life, written } = options;
  const router = Router();
  router.get(
    '/',
    answering(written, () => ok({ results: templates.all() })),
  );
  router.put(
    '/:name/:language',
    answering(written, (request) => {
      const { reason, status, category, quality, components } = readBody(changes, request);
      const before = templates.find(String(request.params['name']), String(request.params['language']));
      if (before === undefined) throw new ControlError(404, 'no_such_template', 'There is no such template.');
      const rejectedReason = status === 'REJECTED' ? (reason ?? 'TAG_CONTENT_MISMATCH') : undefined;
      const after = life.change(
        before,
        {
          ...(status === undefined ? {} : { status, rejectedReason }),
          ...(category === undefined ? {} : { category }),
          ...(quality === undefined ? {} : { quality }),
          ...(components === undefined ? {} : { components }),
        },
        rejectedReason ?? reason,
      );
      return ok(after);
    }),
  );
  return router;
}
