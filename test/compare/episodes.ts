import type { Random } from '../helpers/random.ts';
import { creationEpisode, instanceEpisode, networkedEpisode } from './episodes-instance.ts';
import { clusterEpisode, groupEpisode, networkEpisode, nodeEpisode } from './episodes-objects.ts';
import { filterEpisode, jobEpisode, protocolEpisode, queryEpisode } from './episodes-reads.ts';
import { RequestMaker } from './requests.ts';
import type { Episode } from './step.ts';

/** What an episode is made from. */
export interface Making {
  random: Random;
  maker: RequestMaker;
}

/** The kinds of episodes, and how often each is made. */
const kinds = {
  instance: 6,
  creation: 6,
  networked: 2,
  group: 3,
  network: 4,
  node: 3,
  cluster: 4,
  job: 1,
  filter: 1,
  query: 2,
  protocol: 2,
} as const;

const make: Readonly<Record<keyof typeof kinds, (making: Making) => Omit<Episode, 'name'>>> = {
  instance: instanceEpisode,
  creation: creationEpisode,
  networked: networkedEpisode,
  group: groupEpisode,
  network: networkEpisode,
  node: nodeEpisode,
  cluster: clusterEpisode,
  job: jobEpisode,
  filter: filterEpisode,
  query: queryEpisode,
  protocol: protocolEpisode,
};

/**
 * Episodes with so many requests in all, or a few more: first one of each kind, then as often as the kinds say. The random source alone
 * decides them; `only` are the kinds wanted.
 */
export function episodesOf(random: Random, requests: number, only: readonly string[] = []): Episode[] {
  const weights = Object.fromEntries(
    Object.entries(kinds).filter(([kind]) => only.length === 0 || only.includes(kind)),
  ) as Record<keyof typeof kinds, number>;
  const wanted = Object.keys(weights) as (keyof typeof kinds)[];
  const episodes: Episode[] = [];
  for (let count = 0; count < requests; ) {
    const own = random.fork(String(episodes.length));
    const name = wanted[episodes.length] ?? own.weighted(weights);
    const episode = { name, ...make[name]({ random: own, maker: new RequestMaker(own) }) };
    episodes.push(episode);
    count += episode.steps.length + episode.cleanup.length;
  }
  return episodes;
}
