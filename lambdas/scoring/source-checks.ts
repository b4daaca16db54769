import { type ModelProblem, named } from './model-problems.ts';
import { CHANNELS, type Source, type Sources } from './sources.ts';

/** What no line of `sources.yaml` alone can say: whether two of them claim the same. */
export function findSourceClashes({ sources }: Sources): ModelProblem[] {
  return [
    ...findChannelIds(sources),
    ...findClaimedTwice(sources, 'id', ({ id }) => [id]),
    ...findClaimedTwice(sources, 'label', ({ label }) => [label]),
    ...findClaimedTwice(sources, 'hosts', ({ hosts }) => hosts),
    ...findClaimedTwice(sources, 'utmSources', ({ utmSources }) => utmSources),
    ...findClaimedTwice(sources, 'userAgents', ({ userAgents }) => userAgents),
    ...findClaimedTwice(sources, 'hubSpotDetails', ({ hubSpotDetails }) => hubSpotDetails),
  ];
}

function findChannelIds(sources: readonly Source[]): ModelProblem[] {
  const channels: readonly string[] = CHANNELS;
  return sources.flatMap(({ id }, at) => {
    const reason = `found ${named(id)}, the name of a channel, expected another: it stands for sources that are not known`;
    return channels.includes(id) ? [{ path: ['sources', at, 'id'], reason }] : [];
  });
}

function findClaimedTwice(
  sources: readonly Source[],
  key: 'id' | 'label' | 'hosts' | 'utmSources' | 'userAgents' | 'hubSpotDetails',
  claimed: (source: Source) => readonly string[],
): ModelProblem[] {
  const owners = new Map<string, number>();
  return sources.flatMap((source, at) =>
    claimed(source).flatMap((word) => {
      const owner = owners.get(word);
      owners.set(word, owner ?? at);
      if (owner === undefined) return [];
      const reason = `found ${named(word)}, which sources.${owner} has already, expected each once`;
      return [{ path: ['sources', at, key], reason }];
    }),
  );
}
