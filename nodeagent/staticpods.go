package nodeagent

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/nodeagent/mirror"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/static"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// staticPods are the node's own pods, beside those of the API.
type staticPods struct {
	// loop reads them; nil where the configuration names no manifests.
	loop    *static.Loop
	mirrors *mirror.Loop
}

// newStaticPods has the pods of manifests run by a loop, and shows them in the API.
func (a *Agent) newStaticPods(c *connection, one *oneNode) staticPods {
	o, configuration := &a.options, a.options.Configuration
	seen := make(chan struct{})
	var s staticPods
	if configuration.StaticPodPath != "" || configuration.StaticPodURL != "" {
		s.loop = static.New(static.Options{
			Node: o.NodeName, Path: configuration.StaticPodPath, URL: configuration.StaticPodURL, Header: configuration.StaticPodURLHeader,
			FileEvery: configuration.FileCheckFrequency.Duration, URLEvery: configuration.HTTPCheckFrequency.Duration,
			Complete: o.CompleteStaticPod, Sink: one.loop, Clock: o.Clock, Log: o.Log,
		})
	} else {
		close(seen)
	}
	s.mirrors = mirror.New(mirror.Options{
		Client: c.client, Node: o.NodeName, NodeAPI: c.podsAPI, NodeUID: one.heartbeat.UID, Pods: one.loop, Seen: s.seen(seen), Clock: o.Clock, Log: o.Log,
	})
	c.pods.mirrorOf = s.mirrors.Of
	return s
}

// staticChanged looks at the mirror of a static pod that came, went, or has ended.
func (a *Agent) staticChanged(name types.NamespacedName) { a.order[0].static.mirrors.Wake(name) }

// seen is closed when it is known which pods are static: at once where there are no manifests.
func (s staticPods) seen(none <-chan struct{}) <-chan struct{} {
	if s.loop == nil {
		return none
	}
	return s.loop.Seen()
}

// apiPods is told what the API has of a node: pods that run, and the mirrors of static ones.
type apiPods struct {
	*pods.Loop
	mirrors *mirror.Loop
}

// Set implements podSink.
func (p apiPods) Set(pod *corev1.Pod) {
	if status.Mirror(pod) {
		p.mirrors.Set(pod)
		return
	}
	p.Loop.Set(pod)
}

// Remove implements podSink. Whose UID it is, of a pod or of a mirror, the one knows that has it.
func (p apiPods) Remove(uid types.UID) {
	p.mirrors.Remove(uid)
	p.Loop.Remove(uid)
}

// knowPods returns when all pods and services of the API are known. A node with static pods goes on without an API server, and waits for
// it; any other fails.
func (n *nodes) knowPods(ctx context.Context, patient bool) error {
	told := false
	for {
		err := n.listen(ctx)
		if err == nil || ctx.Err() != nil || !patient {
			return err
		}
		if !told {
			n.log.Error(err, "Running static pods alone until the API server answers")
			told = true
		}
		timer := n.clock.NewTimer(betweenAttempts)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		}
	}
}

// betweenAttempts is the rest before an API server is asked again that did not answer.
const betweenAttempts = time.Second

// mirrorPods keeps the mirrors of each node that has some, until ctx ends.
func (n *nodes) mirrorPods(ctx context.Context, group *sync.WaitGroup) {
	for _, one := range n.order {
		if one.static.mirrors != nil {
			group.Go(func() { one.static.mirrors.Run(ctx) })
		}
	}
}

// knowStaticPods returns when all manifests of the nodes have been read once; false, if ctx has ended before.
func (n *nodes) knowStaticPods(ctx context.Context) bool {
	for _, one := range n.order {
		if one.static.loop == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return false
		case <-one.static.loop.Seen():
		}
	}
	return true
}
