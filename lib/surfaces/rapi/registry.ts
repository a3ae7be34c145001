import { openApiResource } from './openapi.ts';
import type { Resource } from './resource.ts';
import { clusterResources } from './resources/cluster.ts';
import { dutyResources } from './resources/duties.ts';
import { eventResources } from './resources/events.ts';
import { filterResources } from './resources/filters.ts';
import { groupResources } from './resources/groups.ts';
import { instanceResources } from './resources/instances.ts';
import { instanceChangeResources } from './resources/instances-change.ts';
import { instanceDiskResources } from './resources/instances-disks.ts';
import { instanceExportResources } from './resources/instances-export.ts';
import { instanceMoveResources } from './resources/instances-move.ts';
import { jobResources } from './resources/jobs.ts';
import { networkResources } from './resources/networks.ts';
import { nodeResources } from './resources/nodes.ts';
import { nodeChangeResources } from './resources/nodes-change.ts';
import { queryResources } from './resources/query.ts';
import { queueResources } from './resources/queue.ts';
import { tagResources } from './resources/tags.ts';
import { trafficResources } from './resources/traffic.ts';

const described: readonly Resource[] = [
  ...clusterResources,
  ...nodeResources,
  ...nodeChangeResources,
  ...groupResources,
  ...instanceResources,
  ...instanceChangeResources,
  ...instanceMoveResources,
  ...instanceDiskResources,
  ...instanceExportResources,
  ...networkResources,
  ...tagResources,
  ...jobResources,
  ...queueResources,
  ...dutyResources,
  ...eventResources,
  ...trafficResources,
  ...filterResources,
  ...queryResources,
];

/** Every path that the RAPI serves. */
export const resources: readonly Resource[] = [...described, openApiResource(described)];
