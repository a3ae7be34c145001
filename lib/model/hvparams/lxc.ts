import type { HypervisorParams } from './define.ts';

/** The parameters of the hypervisor `lxc`: names, kinds and defaults as in Ganeti 3.0. */
export const lxc: HypervisorParams = {
  kinds: {
    cpu_mask: 'string',
    devices: 'string',
    drop_capabilities: 'string',
    extra_cgroups: 'string',
    extra_config: 'string',
    num_ttys: 'int',
    startup_timeout: 'int',
  },
  defaults: {
    cpu_mask: '',
    devices: 'c 1:3 rw,c 1:5 rw,c 1:7 rw,c 1:8 rw,c 1:9 rw,c 1:10 rw,c 5:0 rw,c 5:1 rw,c 5:2 rw,c 136:* rw',
    drop_capabilities: 'mac_override,sys_boot,sys_module,sys_time,sys_admin',
    extra_cgroups: '',
    extra_config: '',
    num_ttys: 6,
    startup_timeout: 30,
  },
};
