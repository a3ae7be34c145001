import type { ParamKind, ParamKinds, ParamValues } from '../enforce.ts';
import { type DiskTemplate, diskTemplates, templates } from '../templates/index.ts';

/** The disk parameters of each template with Ganeti's defaults. */
export const diskParamDefaults = Object.fromEntries(
  diskTemplates.map((name) => [name, templates[name].params]),
) as Readonly<Record<DiskTemplate, ParamValues>>;

const kindOf: Readonly<Record<string, ParamKind>> = { boolean: 'bool', number: 'int', string: 'string' };

/** The kinds of the disk parameters of all templates: those of their defaults. */
export const diskParamKinds: ParamKinds = Object.fromEntries(
  Object.values(diskParamDefaults)
    .flatMap((params) => Object.entries(params))
    .map(([name, value]) => [name, kindOf[typeof value] as ParamKind]),
);
