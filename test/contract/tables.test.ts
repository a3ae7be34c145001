import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { beParamDefaults, beParamKinds } from '../../lib/model/beparams.ts';
import { diskParamDefaults, diskParamKinds } from '../../lib/model/diskparams/index.ts';
import { clusterOnlyHvParams, hypervisorParams, hypervisors } from '../../lib/model/hvparams/index.ts';
import { adminStates } from '../../lib/model/instance.ts';
import { ipolicyDefaults, ispecNames } from '../../lib/model/ipolicy.ts';
import { ndParamDefaults, ndParamKinds } from '../../lib/model/ndparams.ts';
import { nicModes, nicParamDefaults, nicParamKinds } from '../../lib/model/nic.ts';
import { roleNames } from '../../lib/model/node.ts';
import { allocPolicies } from '../../lib/model/nodegroup.ts';
import { MAX_TAG_LENGTH, MAX_TAGS_PER_OBJECT, tagKinds } from '../../lib/model/tag.ts';
import { diskTemplates } from '../../lib/model/templates/index.ts';

/** What Ganeti 3.0.2 has in its tables of constants. */
const tables = JSON.parse(readFileSync(new URL('./tables.json', import.meta.url), 'utf8'));

const sorted = (values: readonly string[]) => [...values].sort();

describe('the tables of the model are those of Ganeti 3.0', () => {
  it('hypervisors: names, parameters, kinds, defaults', () => {
    assert.deepEqual(sorted(hypervisors), sorted(tables.HYPER_TYPES));
    assert.deepEqual(Object.keys(hypervisorParams).sort(), sorted(hypervisors));
    for (const name of hypervisors) {
      const { kinds, defaults } = hypervisorParams[name];
      assert.deepEqual(defaults, tables.HVC_DEFAULTS[name], name);
      const expected = Object.keys(tables.HVC_DEFAULTS[name]).map((key) => [
        key,
        tables.HVS_PARAMETER_TYPES[key],
      ]);
      assert.deepEqual(kinds, Object.fromEntries(expected), name);
    }
    assert.deepEqual(sorted(clusterOnlyHvParams), sorted(tables.HVC_GLOBALS));
  });

  it('backend, NIC and node parameters', () => {
    assert.deepEqual(beParamKinds, tables.BES_PARAMETER_TYPES);
    assert.deepEqual(beParamDefaults, tables.BEC_DEFAULTS);
    assert.deepEqual(nicParamKinds, tables.NICS_PARAMETER_TYPES);
    assert.deepEqual(nicParamDefaults, tables.NICC_DEFAULTS);
    assert.deepEqual(sorted(nicModes), sorted(tables.NIC_VALID_MODES));
    assert.deepEqual(ndParamKinds, tables.NDS_PARAMETER_TYPES);
    assert.deepEqual(ndParamDefaults, tables.NDC_DEFAULTS);
  });

  it('disk templates and their parameters', () => {
    assert.deepEqual(diskTemplates, tables.DISK_TEMPLATES);
    assert.deepEqual(diskParamKinds, tables.DISK_DT_TYPES);
    assert.deepEqual(diskParamDefaults, tables.DISK_DT_DEFAULTS);
  });

  it('the instance policy', () => {
    assert.deepEqual(ipolicyDefaults, tables.IPOLICY_DEFAULTS);
    assert.deepEqual(sorted(ispecNames), sorted(tables.ISPECS_PARAMETERS));
  });

  it('states, roles, allocation policies and tags', () => {
    assert.deepEqual(sorted(adminStates), sorted(tables.ADMINST_ALL));
    assert.deepEqual(Object.keys(roleNames).sort(), sorted(tables.NR_ALL));
    assert.deepEqual(allocPolicies, tables.VALID_ALLOC_POLICIES);
    assert.deepEqual(sorted(tagKinds), sorted(tables.VALID_TAG_TYPES));
    assert.equal(MAX_TAG_LENGTH, tables.MAX_TAG_LEN);
    assert.equal(MAX_TAGS_PER_OBJECT, tables.MAX_TAGS_PER_OBJ);
  });
});
