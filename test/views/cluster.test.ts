import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MerapiError } from '../../lib/base/errors.ts';
import { shownCluster } from '../../lib/views/cluster.ts';
import { tagsOf } from '../../lib/views/tags.ts';
import { aCluster, aGroup, aNode, anInstance, viewOf } from '../helpers/view.ts';

const view = viewOf({
  cluster: aCluster({ tags: ['c'], enabled_hypervisors: ['kvm', 'fake'] }),
  nodes: [aNode('node1', { tags: ['n'] })],
  groups: [aGroup({ tags: ['g'] })],
  instances: [anInstance('web', { tags: ['a', 'b'] })],
});

describe('views/cluster', () => {
  it('shows the cluster with the name of its master, without secrets and without what the master notes for itself', () => {
    const cluster = aCluster({ tags: ['c'], osparams_private: 'sealed' });
    const shown = shownCluster(viewOf({ cluster, nodes: [aNode('node1')] }));
    const { osparams_private, awaited_nodes, stopped_instances, ...rest } = cluster;
    assert.deepEqual(shown, { ...rest, master: 'node1.example.com' });
    assert.equal(shownCluster(viewOf({ cluster: aCluster(), nodes: [] })).master, null);
  });

  it('fails as unavailable before the cluster is initialised', () => {
    assert.throws(
      () => shownCluster(viewOf({ cluster: null })),
      (error) => error instanceof MerapiError && error.code === 'unavailable',
    );
  });

  it('is the same object until the cluster or the name of its master changes', () => {
    const cluster = aCluster();
    const nodes = [aNode('node1')];
    const shown = shownCluster(viewOf({ cluster, nodes }));
    assert.equal(shownCluster(viewOf({ cluster, nodes })), shown);
    const renamed = viewOf({ cluster, nodes: [aNode('node1', { name: 'other.example.com' })] });
    assert.equal(shownCluster(renamed).master, 'other.example.com');
    const tagged = viewOf({ cluster: aCluster({ tags: ['new'] }), nodes });
    assert.deepEqual(shownCluster(tagged).tags, ['new']);
  });
});

describe('views/tags', () => {
  it('gives the tags of every kind of object, host names abbreviated or not', () => {
    assert.deepEqual(tagsOf(view, 'cluster', null), ['c']);
    assert.deepEqual(tagsOf(view, 'node', 'node1'), ['n']);
    assert.deepEqual(tagsOf(view, 'instance', 'WEB.example.com'), ['a', 'b']);
    assert.deepEqual(tagsOf(view, 'nodegroup', 'default'), ['g']);
  });

  it('names what does not exist', () => {
    for (const kind of ['node', 'instance', 'nodegroup', 'network'] as const)
      assert.throws(
        () => tagsOf(view, kind, 'nosuch'),
        (error) =>
          error instanceof MerapiError && error.code === 'not_found' && /'nosuch'/.test(error.message),
      );
  });
});
