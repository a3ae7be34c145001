import { bool, fieldTable, list, other, text } from './build.ts';

/** The fields of an OS definition. */
export const osFields = {
  api_versions: list('ApiVersions', 'The versions of the OS interface that it supports on all nodes.'),
  blacklisted: bool(
    'Blacklisted',
    'Whether it is blacklisted, so that listings of usable definitions omit it.',
  ),
  hidden: bool('Hidden', 'Whether it is hidden, so that listings of usable definitions omit it.'),
  name: text('Name', 'Its name.'),
  node_status: other('NodeStatus', 'Its status on each node.'),
  os_hvp: other('OsHypervisorParameters', 'The hypervisor parameters that the cluster sets for it.'),
  osparams: other('OsParameters', 'The OS parameters that the cluster sets for it.'),
  parameters: list('Parameters', 'The parameters that it accepts on all nodes, with their descriptions.'),
  trusted: bool('Trusted', 'Whether its scripts run on the host itself.'),
  valid: bool('Valid', 'Whether every node can install it.'),
  variants: list('Variants', 'The variants that it has on all nodes.'),
};

/** All fields of an OS definition. */
export const osTable = fieldTable(osFields);
