package resourcemetrics

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// pair is what was measured last, and before that if anything was.
type pair struct {
	last   Point
	before *Point
}

func (p pair) usage() (Usage, bool) {
	if p.before == nil {
		return Usage{}, false
	}
	return between(*p.before, p.last)
}

// follow is a pair with a newer point.
func (p *pair) follow(newest Point, resolution time.Duration) pair {
	var last, before *Point
	if p != nil {
		last, before = &p.last, p.before
	}
	next := pair{last: newest}
	if point, ok := preceding(newest, last, before, resolution); ok {
		next.before = &point
	}
	return next
}

// pod is what is known of a pod: of each of its containers.
type pod struct {
	node       string
	containers map[string]pair
}

// Store keeps the newest figures. It is safe for concurrent use.
type Store struct {
	resolution time.Duration

	mu    sync.RWMutex
	nodes map[string]pair
	pods  map[types.NamespacedName]pod
	on    map[string][]types.NamespacedName // the pods of each node
}

// NewStore returns a store that knows nothing, for nodes that are asked every resolution.
func NewStore(resolution time.Duration) *Store {
	return &Store{
		resolution: resolution, nodes: map[string]pair{}, pods: map[types.NamespacedName]pod{}, on: map[string][]types.NamespacedName{},
	}
}

// Put keeps what a node told, in the place of what it told before, and says whether it told of itself for the first time. What it does
// not tell of any more is forgotten.
func (s *Store) Put(node string, batch Batch) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[types.NamespacedName]pod{}
	for _, name := range s.on[node] {
		known[name] = s.pods[name]
	}
	self, had := s.nodes[node]
	s.forget(node)
	if batch.Node != nil {
		var before *pair
		if had {
			before = &self
		}
		s.nodes[node] = before.follow(*batch.Node, 0)
	}
	for name, containers := range batch.Pods {
		if other, taken := s.pods[name]; taken && other.node != node {
			continue // it cannot run on both; who told of it first is believed until it does not any more
		}
		next := pod{node: node, containers: make(map[string]pair, len(containers))}
		for container, point := range containers {
			var before *pair
			if was, ok := known[name].containers[container]; ok {
				before = &was
			}
			next.containers[container] = before.follow(point, s.resolution)
		}
		s.pods[name] = next
		s.on[node] = append(s.on[node], name)
	}
	return batch.Node != nil && !had
}

// Forget forgets a node and its pods.
func (s *Store) Forget(node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(node)
}

func (s *Store) forget(node string) {
	for _, name := range s.on[node] {
		delete(s.pods, name)
	}
	delete(s.on, node)
	delete(s.nodes, node)
}

// Node is what a node uses; false, where that is not known.
func (s *Store) Node(name string) (Usage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	known, ok := s.nodes[name]
	if !ok {
		return Usage{}, false
	}
	return known.usage()
}

// PodUsage is what a pod uses: each of its containers, in the order of their names. Time and Window are those of the container that was
// measured first.
type PodUsage struct {
	Time       time.Time
	Window     time.Duration
	Containers []ContainerUsage
}

// ContainerUsage is what a container uses.
type ContainerUsage struct {
	Name string
	Usage
}

// Pod is what a pod uses; false, where that is not known, or not yet of all of its containers.
func (s *Store) Pod(name types.NamespacedName) (PodUsage, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	known, ok := s.pods[name]
	if !ok {
		return PodUsage{}, false
	}
	var of PodUsage
	for _, container := range slices.Sorted(maps.Keys(known.containers)) {
		both := known.containers[container]
		if both.before == nil {
			return PodUsage{}, false
		}
		usage, ok := both.usage()
		if !ok {
			continue
		}
		of.Containers = append(of.Containers, ContainerUsage{container, usage})
		if of.Time.IsZero() || usage.Time.Before(of.Time) {
			of.Time, of.Window = usage.Time, usage.Window
		}
	}
	return of, len(of.Containers) > 0
}
