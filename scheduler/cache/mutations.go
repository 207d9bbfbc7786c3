package cache

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

var errNoSession = errors.New("no mutation session started")

// layer is a set of changes to a snapshot that is going to be taken back. Only the nodes that it touches are saved.
type layer struct {
	saved map[string]nodeinfo.NodeInfo
	added []string // nodes that the snapshot did not know
}

// StartMutations starts a session: what AddPod and RemovePod do from now on, EndMutations takes back. A second session
// inside the first is an error. It costs as much as nodes are touched.
//
// Nodes change in place: who holds a NodeInfo of the snapshot sees the change, also when it was taken before the
// session. Nobody may read or write the snapshot while AddPod, RemovePod or EndMutations runs.
func (s *Snapshot) StartMutations() error {
	if s.session != nil {
		return errors.New("cannot stack mutations")
	}
	s.session = &layer{saved: map[string]nodeinfo.NodeInfo{}}
	return nil
}

// EndMutations ends the session and restores what was before it. Without a session it is an error.
func (s *Snapshot) EndMutations() error {
	if s.session == nil {
		return errNoSession
	}
	s.restore(&s.session)
	return nil
}

// AddPod counts a pod as being on a node. Outside of a session it is an error. Pods may be added to a node that does not
// exist, which has a NodeInfo without a Node until the session ends.
func (s *Snapshot) AddPod(pod fwk.PodInfo, node string) error {
	if s.session == nil {
		return fmt.Errorf("adding pod %s to node %s of the snapshot: %w", klog.KObj(pod.GetPod()), node, errNoSession)
	}
	s.add(s.session, pod, node)
	return nil
}

// RemovePod counts a pod as not being on its node. Outside of a session, and where the node or the pod is not there, it
// is an error.
func (s *Snapshot) RemovePod(logger klog.Logger, pod *corev1.Pod, node string) error {
	if s.session == nil {
		return fmt.Errorf("removing pod %s from node %s of the snapshot: %w", klog.KObj(pod), node, errNoSession)
	}
	return s.remove(s.session, logger, pod, node)
}

// Assume counts a pod as being on a node for decisions that depend on each other, such as those on a group of pods,
// before anything of it is known to the cache. It lasts until Forget, ForgetAll or the next Update. It is independent of
// sessions, of which one can be started and ended while pods are assumed; during a session it is an error.
func (s *Snapshot) Assume(pod fwk.PodInfo, node string) error {
	if err := s.noSession("assuming", pod.GetPod(), node); err != nil {
		return err
	}
	if s.assumed == nil {
		s.assumed = &layer{saved: map[string]nodeinfo.NodeInfo{}}
	}
	s.add(s.assumed, pod, node)
	s.groups.Assume(pod.GetPod())
	return nil
}

// Forget takes back Assume, in any order.
func (s *Snapshot) Forget(logger klog.Logger, pod *corev1.Pod, node string) error {
	if err := s.noSession("forgetting", pod, node); err != nil {
		return err
	}
	if s.assumed == nil {
		return fmt.Errorf("forgetting pod %s on node %s of the snapshot: no pod is assumed", klog.KObj(pod), node)
	}
	s.groups.Forget(pod)
	return s.remove(s.assumed, logger, pod, node)
}

// ForgetAll takes back every Assume. During a session it is an error.
func (s *Snapshot) ForgetAll() error {
	if s.session != nil {
		return errors.New("forgetting all pods assumed in the snapshot: a mutation session is under way")
	}
	s.restore(&s.assumed)
	s.groups.Restore()
	return nil
}

func (s *Snapshot) noSession(doing string, pod *corev1.Pod, node string) error {
	if s.session == nil {
		return nil
	}
	return fmt.Errorf("%s pod %s on node %s of the snapshot: a mutation session is under way", doing, klog.KObj(pod), node)
}

func (s *Snapshot) add(l *layer, pod fwk.PodInfo, node string) {
	info := s.open(l, node)
	s.countClaims(info, -1)
	info.AddPodInfo(pod)
	s.countClaims(info, +1)
	s.changed(info)
}

func (s *Snapshot) remove(l *layer, logger klog.Logger, pod *corev1.Pod, node string) error {
	if _, found := s.byName[node]; !found {
		return fmt.Errorf("node %q not found in the snapshot", node)
	}
	info := s.open(l, node)
	s.countClaims(info, -1)
	err := info.RemovePod(logger, pod)
	s.countClaims(info, +1)
	s.changed(info)
	return err
}

// open returns a node's NodeInfo for changing, after having saved it.
func (s *Snapshot) open(l *layer, node string) *nodeinfo.NodeInfo {
	info, known := s.byName[node]
	if !known {
		info = nodeinfo.New()
		if s.byName == nil {
			s.byName, s.claims = map[string]*nodeinfo.NodeInfo{}, map[string]int{}
		}
		s.byName[node] = info
		l.added = append(l.added, node)
		return info
	}
	if _, saved := l.saved[node]; !saved && !slices.Contains(l.added, node) {
		l.saved[node] = *info
		*info = *info.Clone() // So that what was saved shares nothing that AddPodInfo writes to.
	}
	return info
}

// restore takes back a layer, if there is one.
func (s *Snapshot) restore(l **layer) {
	if *l == nil {
		return
	}
	for name, saved := range (*l).saved {
		info := s.byName[name]
		s.countClaims(info, -1)
		*info = saved
		s.countClaims(info, +1)
		s.changed(info)
	}
	for _, name := range (*l).added {
		s.countClaims(s.byName[name], -1)
		delete(s.byName, name)
	}
	*l = nil
}
