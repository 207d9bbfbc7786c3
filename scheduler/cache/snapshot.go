package cache

import (
	"fmt"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// Snapshot is the cluster at one moment. The zero value is an empty cluster; Cache.Update brings it up to date.
type Snapshot struct {
	generation   int64
	orderVersion int64
	byName       map[string]*nodeinfo.NodeInfo
	claims       map[string]int
	// The lists hold the same NodeInfos as byName, which are overwritten in place.
	nodes            []fwk.NodeInfo
	withAffinity     []fwk.NodeInfo
	withAntiAffinity []fwk.NodeInfo
}

var (
	_ fwk.SharedLister      = &Snapshot{}
	_ fwk.NodeInfoLister    = &Snapshot{}
	_ fwk.StorageInfoLister = &Snapshot{}
)

// Update copies to the snapshot what has changed since it was last updated.
func (c *Cache) Update(s *Snapshot) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s.byName == nil {
		s.byName, s.claims = map[string]*nodeinfo.NodeInfo{}, map[string]int{}
	}
	affinityMoved := c.copyChanged(s)
	orderMoved := s.orderVersion != c.order.version
	if orderMoved {
		c.relist(s)
	}
	if orderMoved || affinityMoved {
		s.listAffinity()
	}
}

// copyChanged copies the nodes that changed. It reports whether one got its first or lost its last pod with affinity.
func (c *Cache) copyChanged(s *Snapshot) (affinityMoved bool) {
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
		affinityMoved = affinityMoved ||
			(len(own.GetPodsWithAffinity()) > 0) != (len(info.GetPodsWithAffinity()) > 0) ||
			(len(own.GetPodsWithRequiredAntiAffinity()) > 0) != (len(info.GetPodsWithRequiredAntiAffinity()) > 0)
		s.countClaims(own, -1)
		*own = *info.Clone()
		s.countClaims(own, +1)
	}
	s.generation = newest
	return affinityMoved
}

// relist puts the nodes into the cache's order and drops those that are gone.
func (c *Cache) relist(s *Snapshot) {
	names := c.order.list()
	s.nodes = make([]fwk.NodeInfo, len(names))
	present := make(map[string]*nodeinfo.NodeInfo, len(names))
	for i, name := range names {
		s.nodes[i], present[name] = s.byName[name], s.byName[name]
	}
	for name, info := range s.byName {
		if _, still := present[name]; !still {
			s.countClaims(info, -1)
		}
	}
	s.byName = present
	s.orderVersion = c.order.version
}

func (s *Snapshot) listAffinity() {
	s.withAffinity, s.withAntiAffinity = nil, nil
	for _, info := range s.nodes {
		if len(info.GetPodsWithAffinity()) > 0 {
			s.withAffinity = append(s.withAffinity, info)
		}
		if len(info.GetPodsWithRequiredAntiAffinity()) > 0 {
			s.withAntiAffinity = append(s.withAntiAffinity, info)
		}
	}
}

func (s *Snapshot) countClaims(info *nodeinfo.NodeInfo, sign int) {
	for claim, pods := range info.GetPVCRefCounts() {
		if s.claims[claim] += sign * pods; s.claims[claim] == 0 {
			delete(s.claims, claim)
		}
	}
}

// Nodes returns all nodes, zones in turn. Do not change the slice.
func (s *Snapshot) Nodes() []fwk.NodeInfo { return s.nodes }

// NodeInfos returns the nodes.
func (s *Snapshot) NodeInfos() fwk.NodeInfoLister { return s }

// StorageInfos returns what is known of volumes.
func (s *Snapshot) StorageInfos() fwk.StorageInfoLister { return s }

// List returns all nodes, zones in turn.
func (s *Snapshot) List() ([]fwk.NodeInfo, error) { return s.nodes, nil }

// HavePodsWithAffinityList returns the nodes that have pods with inter-pod affinity or anti-affinity.
func (s *Snapshot) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) { return s.withAffinity, nil }

// HavePodsWithRequiredAntiAffinityList returns the nodes that have pods with required inter-pod anti-affinity.
func (s *Snapshot) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	return s.withAntiAffinity, nil
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

// PodGroupStates returns a lister of errors: pods are scheduled one by one.
func (s *Snapshot) PodGroupStates() fwk.PodGroupStateLister {
	return framework.NoPodGroups{}.PodGroupStates()
}

// PodGroups returns a lister of errors: pods are scheduled one by one.
func (s *Snapshot) PodGroups() fwk.PodGroupLister { return framework.NoPodGroups{}.PodGroups() }

// CompositePodGroupStates returns a lister of errors: pods are scheduled one by one.
func (s *Snapshot) CompositePodGroupStates() fwk.CompositePodGroupStateLister {
	return framework.NoPodGroups{}.CompositePodGroupStates()
}

// CompositePodGroups returns a lister of errors: pods are scheduled one by one.
func (s *Snapshot) CompositePodGroups() fwk.CompositePodGroupLister {
	return framework.NoPodGroups{}.CompositePodGroups()
}
