import { openApiResource } from './openapi.ts';
import type { Resource } from './resource.ts';
import { clusterResources } from './resources/cluster.ts';
import { dutyResources } from './resources/duties.ts';
import { eventResources } from './resources/events.ts';
import { filterResources } from './resources/filters.ts';
import { groupResources } from './resources/groups.ts';
import { instanceResources } from './resources/instances/index.ts';
import { jobResources } from './resources/jobs.ts';
import { networkResources } from './resources/networks.ts';
import { nodeResources } from './resources/nodes.ts';
import { osResources } from './resources/os.ts';
import { queryResources } from './resources/query.ts';
import { queueResources } from './resources/queue.ts';
import { tagResources } from './resources/tags.ts';
import { trafficResources } from './resources/traffic.ts';

const documented: readonly Resource[] = [
  ...clusterResources,
  ...osResources,
  ...nodeResources,
  ...groupResources,
  ...instanceResources,
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

/** Every resource that the RAPI serves. The order is that of docs/rapi.md. */
export const resources: readonly Resource[] = [...documented, openApiResource(documented)];
