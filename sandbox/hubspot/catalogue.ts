import { type HubspotError, notFound, validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import { fieldTypes, uniqueMax } from './portal.ts';
import type { PropertyDefinition, PropertyGroup } from './property.ts';
import type { HubspotRules } from './rules.ts';

export type CatalogueChange =
  | { readonly kind: 'property'; readonly property: PropertyDefinition }
  | { readonly kind: 'property removed'; readonly name: string }
  | { readonly kind: 'group'; readonly group: PropertyGroup };

/** The portal's properties of one type of record, and their groups. */
export interface Catalogue {
  readonly properties: ReadonlyMap<string, PropertyDefinition>;
  readonly groups: ReadonlyMap<string, PropertyGroup>;
  /** Names of properties only one record may hold a value of, `email` among them. */
  readonly unique: ReadonlySet<string>;
  /** What stands against these properties and groups, all together; undefined = nothing. */
  objection(
    properties: readonly PropertyDefinition[],
    groups?: readonly PropertyGroup[],
  ): HubspotError | undefined;
  patched(name: string, patch: object): PropertyDefinition | HubspotError;
  apply(change: CatalogueChange): void;
  /** What a new portal would have to be told to become this one. */
  changes(): Iterable<CatalogueChange>;
}

export function createCatalogue(objectType: ObjectType, rules: () => HubspotRules): Catalogue {
  const properties = new Map(objectType.properties.map((property) => [property.name, property]));
  const groups = new Map(objectType.groups.map((group) => [group.name, group]));
  const unique = new Set(objectType.unique);

  const objectionToProperty = (property: PropertyDefinition): HubspotError | undefined => {
    const { name, type, fieldType, groupName, options } = property;
    if (!/^[a-z][a-z0-9_]{0,99}$/.test(name)) {
      return validationError(`'${name}' is not a valid property name: lower-case letters, digits and _.`);
    }
    if (!groups.has(groupName)) return validationError(`Property group '${groupName}' does not exist.`);
    if (fieldTypes[type]?.includes(fieldType) !== true) {
      return validationError(`Type ${type} and fieldType ${fieldType} do not go together.`);
    }
    if (type === 'enumeration' && options.length === 0 && rules().emptyEnumerations === 'refused') {
      return validationError(`Property '${name}' of type enumeration needs options.`);
    }
    const values = options.map(({ value }) => value);
    if (new Set(values).size < values.length) return validationError('Option values must be unique.');
    if (type === 'bool' && values.toSorted().join() !== 'false,true') {
      return validationError(`Property '${name}' of type bool needs exactly the options true and false.`);
    }
    return undefined;
  };

  const existing = (what: string, name: string): HubspotError => ({
    status: rules().existingNameStatus,
    category: 'OBJECT_ALREADY_EXISTS',
    message: `A ${what} named '${name}' already exists.`,
  });

  return {
    properties,
    groups,
    unique,

    objection(newProperties, newGroups = []) {
      const takenGroup = newGroups.find(({ name }) => groups.has(name));
      if (takenGroup !== undefined) return existing('property group', takenGroup.name);
      const names = new Set(properties.keys());
      for (const property of newProperties) {
        if (names.has(property.name)) return existing('property', property.name);
        names.add(property.name);
        const objection = objectionToProperty(property);
        if (objection !== undefined) return objection;
      }
      const newUnique = newProperties.filter(({ hasUniqueValue }) => hasUniqueValue).length;
      if (newUnique > 0 && !objectType.mayBeUnique(rules())) {
        return validationError(`${objectType.name} cannot have properties with unique values.`);
      }
      // HubSpot's own stand in the set too.
      if (unique.size - objectType.unique.length + newUnique > uniqueMax) {
        return validationError(`At most ${String(uniqueMax)} properties may have unique values.`);
      }
      return undefined;
    },

    patched(name, patch) {
      const property = properties.get(name);
      if (property === undefined) return notFound(`Property '${name}' does not exist`);
      const next = { ...property, ...patch };
      return objectionToProperty(next) ?? next;
    },

    apply(change) {
      switch (change.kind) {
        case 'property':
          properties.set(change.property.name, change.property);
          if (change.property.hasUniqueValue) unique.add(change.property.name);
          break;
        case 'property removed':
          properties.delete(change.name);
          unique.delete(change.name);
          break;
        case 'group':
          groups.set(change.group.name, change.group);
          break;
      }
    },

    *changes() {
      for (const group of groups.values()) yield { kind: 'group', group };
      for (const property of properties.values()) yield { kind: 'property', property };
    },
  };
}

/** One sentence for callers that must tell a definition from an objection. */
export function isError(value: object): value is HubspotError {
  return 'category' in value;
}
