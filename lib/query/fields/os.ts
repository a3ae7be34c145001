import { bool, fieldTable, list, other, text } from './build.ts';

/** The fields of an OS definition. */
export const osFields = {
  api_versions: list('ApiVersions', 'The versions of the OS interface that it has on all nodes.'),
  blacklisted: bool('Blacklisted', 'Whether it is not offered any more.'),
  hidden: bool('Hidden', 'Whether lists leave it out.'),
  name: text('Name', 'Its name.'),
  node_status: other('NodeStatus', 'What each node says of it.'),
  os_hvp: other('OsHypervisorParameters', 'The hypervisor parameters that the cluster sets for it.'),
  osparams: other('OsParameters', 'The OS parameters that the cluster sets for it.'),
  parameters: list('Parameters', 'The parameters that it takes on all nodes, with what they mean.'),
  trusted: bool('Trusted', 'Whether its scripts run on the host itself.'),
  valid: bool('Valid', 'Whether every node can install it.'),
  variants: list('Variants', 'The variants that it has on all nodes.'),
};

/** All fields of an OS definition. */
export const osTable = fieldTable(osFields);
