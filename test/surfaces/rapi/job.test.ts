import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ErrorCode, errorCodes } from '../../../lib/base/errors.ts';
import type { Job, JobOp, OpInput } from '../../../lib/model/job.ts';
import { parseOp } from '../../../lib/opcodes/define.ts';
import { opcodes } from '../../../lib/opcodes/registry.ts';
import { showFailure } from '../../../lib/surfaces/rapi/failure.ts';
import { jobFieldOf, showJob } from '../../../lib/surfaces/rapi/job.ts';

const PNODE = '405c35df-6b03-4d5a-8a85-2ae86fda3377';

function anOp(input: OpInput, patch: Partial<JobOp> = {}): JobOp {
  return {
    input,
    resolved: {},
    status: 'success',
    result: null,
    failure: null,
    log: [],
    start: 1_795_226_563,
    exec: 1_795_226_563,
    end: 1_795_226_564,
    ...patch,
  };
}

function aJob(ops: JobOp[], patch: Partial<Job> = {}): Job {
  return {
    id: 135,
    status: 'success',
    priority: 0,
    ops,
    received: 1_795_226_562.865768,
    start: 1_795_226_563.135,
    end: 1_795_226_564.5,
    archived: false,
    ...patch,
  };
}

describe('surfaces/rapi/job', () => {
  it('shows a create job as recorded, parameters in their order', () => {
    const reason = [
      ['gnt:library:rlib2:instances', '', 1795226562715588096n],
      ['gnt:opcode:instance_create', 'job=135;index=0', 1795226562865768000n],
    ];
    const input = parseOp(opcodes.OP_INSTANCE_CREATE as never, {
      OP_ID: 'OP_INSTANCE_CREATE',
      dry_run: false,
      reason,
      instance_name: 'inst11.example.com',
      mode: 'create',
      name_check: false,
      ip_check: false,
      conflicts_check: false,
      disk_template: 'diskless',
      disks: [],
      nics: [{}],
      os_type: 'noop',
      pnode: 'node1.example.com',
      beparams: { memory: 200 },
      start: false,
    });
    const resolved = {
      debug_level: 0,
      beparams: { maxmem: 200, minmem: 200 },
      hypervisor: 'fake',
      osparams_private: {},
      osparams_secret: {},
      pnode_uuid: PNODE,
      helper_startup_timeout: 300,
      helper_shutdown_timeout: 7200,
    };
    const log = [{ serial: 1, time: 1_795_226_563.564985, type: 'message', text: 'made' }];
    const shown = showJob(aJob([anOp(input, { resolved, result: ['node1.example.com'], log })]));
    const op = {
      dry_run: false,
      debug_level: 0,
      priority: 0,
      depends: null,
      comment: null,
      reason,
      OP_ID: 'OP_INSTANCE_CREATE',
      instance_name: 'inst11.example.com',
      force_variant: false,
      wait_for_sync: true,
      name_check: false,
      ignore_ipolicy: false,
      opportunistic_locking: false,
      beparams: { maxmem: 200, minmem: 200 },
      disks: [],
      disk_template: 'diskless',
      hvparams: {},
      hypervisor: 'fake',
      identify_defaults: false,
      ip_check: false,
      conflicts_check: false,
      mode: 'create',
      nics: [{}],
      osparams: {},
      osparams_private: {},
      osparams_secret: {},
      os_type: 'noop',
      pnode: 'node1.example.com',
      pnode_uuid: PNODE,
      source_shutdown_timeout: 120,
      compress: 'none',
      start: false,
      forthcoming: false,
      commit: false,
      tags: [],
      instance_communication: false,
      helper_startup_timeout: 300,
      helper_shutdown_timeout: 7200,
    };
    const expected = {
      id: 135,
      ops: [op],
      status: 'success',
      summary: ['INSTANCE_CREATE(inst11.example.com)'],
      opstatus: ['success'],
      received_ts: [1795226562, 865768],
      start_ts: [1795226563, 135000],
      end_ts: [1795226564, 500000],
      oplog: [[[1, [1795226563, 564985], 'message', 'made']]],
      opresult: [['node1.example.com']],
    };
    assert.deepEqual(shown, expected);
    assert.deepEqual(Object.keys(shown), Object.keys(expected));
    assert.deepEqual(Object.keys(shown.ops[0] ?? {}), Object.keys(op));
  });

  it('shows the fields of queries in the same form, what has no value as null', () => {
    const failure = { code: 'not_found' as const, message: 'why' };
    const input = { OP_ID: 'OP_INSTANCE_REMOVE', instance_name: 'a' };
    const log = [
      { serial: 1, time: 5.25, type: 'message', text: '{"a":1}' },
      { serial: 2, time: 6, type: 'remote-import', text: '{"a":1}' },
    ];
    const job = aJob([
      anOp(input, { log, result: [1] }),
      anOp(input, { status: 'error', failure, exec: null }),
    ]);
    const expected: Record<string, unknown> = {
      id: 135,
      received_ts: [1795226562, 865768],
      start_ts: [1795226563, 135000],
      end_ts: [1795226564, 500000],
      opstart: [
        [1795226563, 0],
        [1795226563, 0],
      ],
      opexec: [[1795226563, 0], null],
      opend: [
        [1795226564, 0],
        [1795226564, 0],
      ],
      oplog: [
        [
          [1, [5, 250000], 'message', '{"a":1}'],
          [2, [6, 0], 'remote-import', { a: 1 }],
        ],
        [],
      ],
      opresult: [[1], ['OpPrereqError', ['why', 'unknown_entity']]],
      nosuch: null,
    };
    for (const [field, value] of Object.entries(expected))
      assert.deepEqual(jobFieldOf(job, field), value, field);
    assert.deepEqual([jobFieldOf(aJob([], { end: null }), 'end_ts')], [null]);
  });

  it('shows a cancelled job as recorded: no start, no result, debug_level not filled in', () => {
    const input = parseOp(opcodes.OP_GROUP_ADD as never, {
      OP_ID: 'OP_GROUP_ADD',
      dry_run: false,
      group_name: 'fg1',
    });
    const op = anOp(input, { status: 'canceled', start: null, exec: null });
    const shown = showJob(aJob([op], { status: 'canceled', start: null }));
    assert.deepEqual(shown.ops, [
      {
        dry_run: false,
        priority: 0,
        depends: null,
        comment: null,
        reason: [],
        OP_ID: 'OP_GROUP_ADD',
        group_name: 'fg1',
      },
    ]);
    assert.deepEqual([shown.start_ts, shown.opstatus, shown.opresult], [null, ['canceled'], [null]]);
  });

  it('takes away what checking resolved to null, and shows several opcodes', () => {
    const failure = { code: 'not_found' as const, message: 'There is no instance nosuch' };
    const startup = anOp(
      { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'a', startup_paused: true },
      { resolved: { startup_paused: null } },
    );
    const remove = anOp(
      { OP_ID: 'OP_INSTANCE_REMOVE', instance_name: 'nosuch' },
      { status: 'error', failure },
    );
    const shown = showJob(aJob([startup, remove], { status: 'error' }));
    assert.deepEqual(shown.ops[0], { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'a' });
    assert.deepEqual(shown.summary, ['INSTANCE_STARTUP(a)', 'INSTANCE_REMOVE(nosuch)']);
    assert.deepEqual(shown.opresult, [
      null,
      ['OpPrereqError', ['There is no instance nosuch', 'unknown_entity']],
    ]);
  });

  it('shows an opcode that this release does not know', () => {
    const shown = showJob(aJob([anOp({ OP_ID: 'OP_OF_OLD', thing: 1, nothing: null, priority: 0 })]));
    assert.deepEqual(shown.ops, [{ priority: 0, OP_ID: 'OP_OF_OLD', thing: 1 }]);
    assert.deepEqual(shown.summary, ['OF_OLD']);
  });

  it("gives each failure Ganeti's class", () => {
    const expected: Partial<Record<ErrorCode, unknown>> = {
      wrong_input: ['OpPrereqError', ['why', 'wrong_input']],
      already_exists: ['OpPrereqError', ['why', 'already_exists']],
      internal_error: ['OpPrereqError', ['why', 'internal_error']],
      prerequisite: ['OpPrereqError', ['why']],
      execution: ['OpExecError', ['why']],
      node_unreachable: ['OpExecError', ['why']],
      timeout: ['OpExecError', ['why']],
      block_device: ['OpExecError', ['why']],
      type_enforcement: ['TypeEnforcementError', ['why']],
      configuration: ['ConfigurationError', ['why']],
      invalid_tag: ['TagError', ['why']],
      hypervisor: ['HypervisorError', ['why']],
      not_found: ['OpPrereqError', ['why', 'unknown_entity']],
      hooks_abort: ['HooksAbort', ['why']],
    };
    for (const [code, shown] of Object.entries(expected))
      assert.deepEqual(showFailure({ code: code as ErrorCode, message: 'why' }), shown);
    for (const code of errorCodes)
      assert.match(showFailure({ code, message: 'why' })[0], /^[A-Z]\w+(Error|Abort)$/);
  });
});
