package cache

import (
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// Snapshot is the cluster at one moment. The zero value is an empty cluster; Cache.Update brings it up to date.
//
// Nodes are numbered from 0 in the order of List. A node keeps its NodeInfo, which is overwritten in place when it
// changes. One that comes gets the next number, and where one goes, the last one gets its number. When that has happened
// often enough for zones to be far from taking turns, all are numbered anew, and a new epoch begins (see Version).
type Snapshot struct {
	generation   int64
	orderVersion int64
	byName       map[string]*nodeinfo.NodeInfo
	names        framework.Names
	claims       map[string]int
	// The lists hold the same NodeInfos as byName.
	nodes            []fwk.NodeInfo
	withAffinity     subset
	withAntiAffinity subset
	log              changeLog
	drift            int    // nodes that came or went since all were numbered
	assumed, session *layer // of changes that are taken back; nil where there are none
	groups           podgroups.View
}

var (
	_ fwk.SharedLister                = &Snapshot{}
	_ fwk.MutableSnapshotSharedLister = &Snapshot{}
	_ fwk.NodeInfoLister              = &Snapshot{}
	_ fwk.StorageInfoLister           = &Snapshot{}
)

// Update copies to the snapshot what has changed since it was last updated. Changes made to the snapshot itself end.
func (c *Cache) Update(s *Snapshot) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s.byName == nil {
		s.byName, s.claims = map[string]*nodeinfo.NodeInfo{}, map[string]int{}
	}
	s.restore(&s.session)
	s.restore(&s.assumed)
	c.copyChanged(s)
	if s.orderVersion != c.nodeTree.version {
		c.renumber(s)
	}
	c.groups.Update(&s.groups)
}

// copyChanged copies the nodes that changed.
func (c *Cache) copyChanged(s *Snapshot) {
	newest := s.generation
	for element := c.recent.Front(); element != nil; element = element.Next() {
		info := element.Value.(*nodeinfo.NodeInfo)
		if info.GetGeneration() <= s.generation {
			break
		}
		newest = max(newest, info.GetGeneration())
		if info.Node() == nil {
			continue
		}
		own, known := s.byName[info.Node().Name]
		if !known {
			own = &nodeinfo.NodeInfo{}
			s.byName[info.Node().Name] = own
		}
		s.countClaims(own, -1)
		info.CopyTo(own, c.images.version)
		s.countClaims(own, +1)
		s.changed(own)
	}
	s.generation = newest
}

// relist puts the nodes into the cache's order, drops those that are gone, and starts a new epoch.
func (c *Cache) relist(s *Snapshot) {
	names := c.nodeTree.list()
	s.nodes = make([]fwk.NodeInfo, len(names))
	s.names = framework.Names{ByNumber: names, Number: make(map[string]int, len(names))}
	s.withAffinity, s.withAntiAffinity = subset{}, subset{}
	for i, name := range names {
		s.nodes[i], s.names.Number[name] = s.byName[name], i
		s.byName[name].SetNumber(i)
		s.file(i, s.byName[name])
	}
	for name, info := range s.byName {
		if _, still := s.names.Number[name]; !still {
			s.countClaims(info, -1)
			delete(s.byName, name)
		}
	}
	s.orderVersion, s.drift = c.nodeTree.version, 0
	s.log.newEpoch()
}

// changed notes that a node's content is new. A node without a number gets one when the nodes are listed again.
func (s *Snapshot) changed(info *nodeinfo.NodeInfo) {
	if info.Node() == nil {
		return
	}
	number, numbered := s.names.Number[info.Node().Name]
	if !numbered {
		return
	}
	s.log.add(number, len(s.nodes))
	s.file(number, info)
}

// file puts a node on the lists that it belongs to.
func (s *Snapshot) file(number int, info *nodeinfo.NodeInfo) {
	s.withAffinity.set(number, info, len(info.GetPodsWithAffinity()) > 0)
	s.withAntiAffinity.set(number, info, len(info.GetPodsWithRequiredAntiAffinity()) > 0)
}

func (s *Snapshot) countClaims(info *nodeinfo.NodeInfo, sign int) {
	for claim, pods := range info.GetPVCRefCounts() {
		if s.claims[claim] += sign * pods; s.claims[claim] == 0 {
			delete(s.claims, claim)
		}
	}
}

// Nodes returns all nodes by number, zones in turn. Do not change the slice.
func (s *Snapshot) Nodes() []fwk.NodeInfo { return s.nodes }

// Names returns the names of the nodes by number, and the numbers by name. They are replaced and not changed when an
// epoch ends.
func (s *Snapshot) Names() framework.Names { return s.names }

// NodeInfos returns the nodes.
func (s *Snapshot) NodeInfos() fwk.NodeInfoLister { return s }

// StorageInfos returns what is known of volumes.
func (s *Snapshot) StorageInfos() fwk.StorageInfoLister { return s }

// List returns all nodes, zones in turn.
func (s *Snapshot) List() ([]fwk.NodeInfo, error) { return s.nodes, nil }

// HavePodsWithAffinityList returns the nodes that have pods with inter-pod affinity or anti-affinity.
func (s *Snapshot) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) {
	return s.withAffinity.nodes, nil
}

// HavePodsWithRequiredAntiAffinityList returns the nodes that have pods with required inter-pod anti-affinity.
func (s *Snapshot) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	return s.withAntiAffinity.nodes, nil
}

// HavePodsWithRequiredNonHostScopedAntiAffinityList returns nil: the fast path that reads it is off by default upstream.
func (s *Snapshot) HavePodsWithRequiredNonHostScopedAntiAffinityList() ([]fwk.NodeInfo, error) {
	return nil, nil
}

// Get returns a node by name.
func (s *Snapshot) Get(name string) (fwk.NodeInfo, error) {
	if info, found := s.byName[name]; found {
		return info, nil
	}
	return nil, fmt.Errorf("nodeinfo not found for node name %q", name)
}

// IsPVCUsedByPods reports whether a pod on any node uses the claim, which is named namespace/name.
func (s *Snapshot) IsPVCUsedByPods(claim string) bool { return s.claims[claim] > 0 }

// PodGroupStates returns how far the scheduling of pod groups has come.
func (s *Snapshot) PodGroupStates() fwk.PodGroupStateLister { return s.groups.PodGroupStates() }

// PodGroups returns the pod groups.
func (s *Snapshot) PodGroups() fwk.PodGroupLister { return s.groups.PodGroups() }

// CompositePodGroupStates returns a lister of errors: there are no groups of groups.
func (s *Snapshot) CompositePodGroupStates() fwk.CompositePodGroupStateLister {
	return s.groups.CompositePodGroupStates()
}

// CompositePodGroups returns a lister of errors: there are no groups of groups.
func (s *Snapshot) CompositePodGroups() fwk.CompositePodGroupLister {
	return s.groups.CompositePodGroups()
}
