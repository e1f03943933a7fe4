import type { KyselyPlugin, PluginTransformQueryArgs, RootOperationNode, UnknownRow } from 'kysely';
import { SangamError } from '../errors.ts';
import { workspaceTables } from './schema.ts';

const workspaceTable = new RegExp(`\\b(${workspaceTables.join('|')})\\b`);

/** What a statement speaks of, however it was written: through the builder or as raw SQL. */
interface Mentions {
  text: string;
  readonly values: Set<unknown>;
}

/**
 * Refuses a statement that touches a workspace's tables without naming `workspace_id` and binding this
 * transaction's workspace. With no workspace (the directory) it refuses every workspace table.
 */
export function workspaceGuard(workspaceId: string | undefined): KyselyPlugin {
  return {
    transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
      const mentions: Mentions = { text: '', values: new Set() };
      collect(node, mentions);
      const table = workspaceTable.exec(mentions.text)?.[0];
      if (table === undefined) return node;
      if (workspaceId === undefined) {
        throw refusal(`'${table}' belongs to a workspace and cannot be reached through the directory`);
      }
      if (!/\bworkspace_id\b/.test(mentions.text) || !mentions.values.has(workspaceId)) {
        throw refusal(`a statement on '${table}' must be bound to the transaction's workspace_id`);
      }
      return node;
    },
    transformResult: ({ result }) => Promise.resolve<typeof result & { rows: UnknownRow[] }>(result),
  };
}

function refusal(message: string): SangamError {
  return new SangamError({ code: 'workspace_missing', origin: 'us', retry: 'never', message });
}

function collect(node: unknown, mentions: Mentions): void {
  if (Array.isArray(node)) {
    for (const child of node) collect(child, mentions);
    return;
  }
  if (typeof node !== 'object' || node === null || !('kind' in node)) return;
  switch (node.kind) {
    case 'ValueNode':
      if ('value' in node) mentions.values.add(node.value);
      return;
    case 'PrimitiveValueListNode':
      if ('values' in node && Array.isArray(node.values)) {
        for (const value of node.values) mentions.values.add(value);
      }
      return;
    case 'IdentifierNode':
      if ('name' in node) mentions.text += ` ${String(node.name)}`;
      return;
    case 'RawNode':
      if ('sqlFragments' in node && Array.isArray(node.sqlFragments)) {
        mentions.text += ` ${node.sqlFragments.join(' ')}`;
      }
      if ('parameters' in node) collect(node.parameters, mentions);
      return;
    default:
      for (const child of Object.values(node)) collect(child, mentions);
  }
}
