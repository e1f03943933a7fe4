import { z } from 'zod';
import { costing, type ZohoAnswer, type ZohoClient } from './client.ts';
import { apiRoot, moduleCredits } from './vendor.ts';

/** Modules of an org. Shapes: docs/vendors/zoho.md §3.2. */
const path = `${apiRoot}/settings/modules`;
const priority = 'fields';

const module = z.looseObject({ id: z.string(), api_name: z.string().nullish().catch(undefined) });
const moduleList = z.looseObject({ modules: z.array(module) }).optional();

export async function listModules(
  client: ZohoClient,
): Promise<{ readonly id: string; readonly name: string }[]> {
  const found = await client.succeed({ method: 'GET', path, answer: 'many', priority }, moduleList);
  return (found?.modules ?? []).flatMap(({ id, api_name: name }) =>
    name === undefined || name === null ? [] : [{ id, name }],
  );
}

const made = z.looseObject({ modules: z.array(z.looseObject({ code: z.string() })) });

/** `profiles`: whose users see it. */
export function createModule(
  client: ZohoClient,
  { singular, plural, name }: { readonly singular: string; readonly plural: string; readonly name: string },
  profiles: readonly string[],
): Promise<ZohoAnswer<z.infer<typeof made>>> {
  const body = {
    modules: [
      {
        singular_label: singular,
        plural_label: plural,
        api_name: name,
        profiles: profiles.map((id) => ({ id })),
        display_field: { field_label: 'Conversation Title', data_type: 'text' },
      },
    ],
  };
  return client.call({ method: 'POST', path, body, priority, needs: costing(moduleCredits) }, made);
}
