package cache

import (
	"container/list"
	"fmt"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/node/topology"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// Cache holds nodes and the pods on them.
type Cache struct {
	assumedFor time.Duration

	mutex    sync.Mutex
	pods     map[types.UID]*podState
	nodes    map[string]*list.Element // of *nodeinfo.NodeInfo
	recent   *list.List               // the same NodeInfos, most recently changed first
	nodeTree nodeTree
	images   images
	groups   *podgroups.Groups
}

type podState struct {
	pod     *corev1.Pod
	assumed bool
	// expires is when an assumed pod is given up; zero means never.
	expires time.Time
}

// New returns an empty cache. An assumed pod is given up when assumedFor has passed since its binding ended and no
// assignment was shown; 0 means never, which is right where the watch of pods loses nothing.
func New(assumedFor time.Duration) *Cache {
	return &Cache{
		assumedFor: assumedFor,
		pods:       map[types.UID]*podState{},
		nodes:      map[string]*list.Element{},
		recent:     list.New(),
		images:     images{byName: map[string]*fwk.ImageStateSummary{}},
		groups:     podgroups.New(),
	}
}

// Groups returns what is known of pod groups. The cache tells it which pods get and lose their nodes; of the groups
// themselves and of pods without a node somebody else tells it.
func (c *Cache) Groups() *podgroups.Groups { return c.groups }

// AddNode adds or replaces a node. Pods that are said to be on it may have come before.
func (c *Cache) AddNode(node *corev1.Node) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	info := c.touch(node.Name)
	if old := info.Node(); old == nil || topology.GetZoneKey(old) != topology.GetZoneKey(node) {
		c.nodeTree.remove(old)
		c.nodeTree.add(node)
	}
	if old := info.Node(); old == nil || !reflect.DeepEqual(old.Status.Images, node.Status.Images) {
		c.images.remove(old)
		info.SetImages(c.images.add(node))
	}
	info.SetNode(node)
}

// RemoveNode forgets a node. Pods on it stay until they are removed themselves.
func (c *Cache) RemoveNode(name string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, found := c.nodes[name]; !found {
		return
	}
	info := c.touch(name)
	c.nodeTree.remove(info.Node())
	c.images.remove(info.Node())
	info.SetImages(nil)
	info.RemoveNode()
	c.dropIfEmpty(name, info)
}

// Assume counts a pod as being on the node in its spec, before the API server shows it there.
func (c *Cache) Assume(pod *nodeinfo.PodInfo) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	object := pod.GetPod()
	if object.UID == "" {
		return fmt.Errorf("assuming pod %s: it has no UID", klog.KObj(object))
	}
	if _, found := c.pods[object.UID]; found {
		return fmt.Errorf("assuming pod %s: it is in the cache already", klog.KObj(object))
	}
	c.pods[object.UID] = &podState{pod: object, assumed: true}
	c.touch(object.Spec.NodeName).AddPodInfo(pod)
	c.groups.Assume(object)
	return nil
}

// FinishBinding says that an assumed pod's binding has ended well, from when on it can expire.
func (c *Cache) FinishBinding(uid types.UID, now time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if state, found := c.pods[uid]; found && state.assumed && c.assumedFor > 0 {
		state.expires = now.Add(c.assumedFor)
	}
}

// Forget takes an assumed pod back. A pod that is gone already is no error; one that is assigned is.
func (c *Cache) Forget(uid types.UID) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	state, found := c.pods[uid]
	if !found {
		return nil
	}
	if !state.assumed {
		return fmt.Errorf("forgetting pod %s: it is assigned to node %s, not assumed", klog.KObj(state.pod), state.pod.Spec.NodeName)
	}
	c.groups.Forget(state.pod)
	return c.remove(state)
}

// Expire gives up the assumed pods whose time has come, and returns them.
func (c *Cache) Expire(now time.Time) []*corev1.Pod {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var expired []*corev1.Pod
	for _, state := range c.pods {
		if state.assumed && !state.expires.IsZero() && !now.Before(state.expires) {
			expired = append(expired, state.pod)
			c.groups.Forget(state.pod)
			_ = c.remove(state) // It is in the cache, and so it is on its node.
		}
	}
	return expired
}

// AddPod takes in a pod that the API server shows as assigned. It confirms an assumed pod, also when the pod went to
// another node than assumed; for a pod that is known already it is UpdatePod.
func (c *Cache) AddPod(pod *corev1.Pod) error { return c.set(pod) }

// UpdatePod replaces an assigned pod.
func (c *Cache) UpdatePod(pod *corev1.Pod) error { return c.set(pod) }

func (c *Cache) set(pod *corev1.Pod) error {
	if pod.UID == "" {
		return fmt.Errorf("adding pod %s: it has no UID", klog.KObj(pod))
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if state, found := c.pods[pod.UID]; found {
		if err := c.remove(state); err != nil {
			return err
		}
	}
	c.pods[pod.UID] = &podState{pod: pod}
	c.touch(pod.Spec.NodeName).AddPod(pod)
	c.groups.SetPod(pod)
	return nil
}

// RemovePod removes a pod, assigned or assumed; it reports whether the pod was there.
func (c *Cache) RemovePod(uid types.UID) (bool, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	state, found := c.pods[uid]
	if !found {
		return false, nil
	}
	c.groups.RemovePod(state.pod)
	return true, c.remove(state)
}

// IsAssumed reports whether the pod is assumed and not yet shown as assigned.
func (c *Cache) IsAssumed(uid types.UID) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	state, found := c.pods[uid]
	return found && state.assumed
}

// Pod returns a pod as the cache has it, with the node that it is on.
func (c *Cache) Pod(uid types.UID) (*corev1.Pod, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	state, found := c.pods[uid]
	if !found {
		return nil, false
	}
	return state.pod, true
}

// Node returns a node as the cache has it.
func (c *Cache) Node(name string) (*corev1.Node, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	element, found := c.nodes[name]
	if !found {
		return nil, false
	}
	node := element.Value.(*nodeinfo.NodeInfo).Node()
	return node, node != nil
}

// Size returns how many nodes and pods there are, and how many of the pods are assumed.
func (c *Cache) Size() (nodes, pods, assumed int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, state := range c.pods {
		if state.assumed {
			assumed++
		}
	}
	return c.nodeTree.count, len(c.pods), assumed
}

func (c *Cache) remove(state *podState) error {
	delete(c.pods, state.pod.UID)
	node := state.pod.Spec.NodeName
	info := c.nodes[node].Value.(*nodeinfo.NodeInfo) // It is there for as long as it has a pod.
	if err := info.RemovePod(klog.Logger{}, state.pod); err != nil {
		return fmt.Errorf("removing pod %s: %w", klog.KObj(state.pod), err)
	}
	c.touch(node)
	c.dropIfEmpty(node, info)
	return nil
}

// touch returns the NodeInfo of a node, new if need be, and puts it first among the changed. Who calls it changes the
// NodeInfo under the same lock: a snapshot relies on generations falling along the list.
func (c *Cache) touch(name string) *nodeinfo.NodeInfo {
	element, found := c.nodes[name]
	if !found {
		element = c.recent.PushFront(nodeinfo.New())
		c.nodes[name] = element
	}
	c.recent.MoveToFront(element)
	return element.Value.(*nodeinfo.NodeInfo)
}

// dropIfEmpty forgets a NodeInfo with neither node nor pods.
func (c *Cache) dropIfEmpty(name string, info *nodeinfo.NodeInfo) {
	if info.Node() == nil && len(info.GetPods()) == 0 {
		c.recent.Remove(c.nodes[name])
		delete(c.nodes, name)
	}
}
