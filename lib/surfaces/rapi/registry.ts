import type { Resource } from './resource.ts';
import { clusterResources } from './resources/cluster.ts';
import { groupResources } from './resources/groups.ts';
import { instanceResources } from './resources/instances.ts';
import { jobResources } from './resources/jobs.ts';
import { nodeResources } from './resources/nodes.ts';
import { queryResources } from './resources/query.ts';
import { tagResources } from './resources/tags.ts';

/** Every path that the RAPI serves. */
export const resources: readonly Resource[] = [
  ...clusterResources,
  ...nodeResources,
  ...groupResources,
  ...instanceResources,
  ...tagResources,
  ...jobResources,
  ...queryResources,
];
