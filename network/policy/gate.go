package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Gate is where a node agent waits until policies hold for a pod that is about to start: the enforcer would learn the pod's address
// only from its status, when its containers may have sent their first packets. Agent and enforcer share one; either may be started
// anew.
type Gate struct {
	mu    sync.Mutex
	wake  func()
	known map[types.UID]*arrival
}

// arrival is a pod of which the API does not tell the address yet.
type arrival struct {
	pod  *corev1.Pod
	at   time.Time
	held chan struct{} // closed when policies hold for it
	seen bool          // the API has been seen to have the pod
}

// NewGate is a gate that nobody has come to.
func NewGate() *Gate { return &Gate{known: map[types.UID]*arrival{}} }

const (
	// patience is how long Protect waits for the enforcer.
	patience = 10 * time.Second
	// forgotten is how long a pod is kept that the API is never seen to have.
	forgotten = 10 * time.Minute
)

// Protect returns when policies hold for a pod at its addresses, or with an error that says that they do not yet.
func (g *Gate) Protect(ctx context.Context, pod *corev1.Pod, ips []string) error {
	a := g.come(pod, ips)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-a.held:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for network policies to hold for pod %s/%s: %w", pod.Namespace, pod.Name, ctx.Err())
	}
}

func (g *Gate) come(pod *corev1.Pod, ips []string) *arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &arrival{pod: trimmed(pod), at: time.Now(), held: make(chan struct{})}
	a.pod.Status.PodIPs = nil
	for _, ip := range ips {
		a.pod.Status.PodIPs = append(a.pod.Status.PodIPs, corev1.PodIP{IP: ip})
	}
	g.known[pod.UID] = a
	if g.wake != nil {
		g.wake()
	}
	return a
}

// open says who is woken when a pod comes. Those who wait already are seen by the first pass.
func (g *Gate) open(wake func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wake = wake
}

// arrivals are the pods that the API, which has these, does not tell the addresses of, and those among them that wait. It lets go of
// those that it does not have to keep any more.
func (g *Gate) arrivals(has []*corev1.Pod, now time.Time) (all, waiting []*corev1.Pod) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) == 0 {
		return nil, nil
	}
	told := map[types.UID]bool{}
	for _, pod := range has {
		told[pod.UID] = len(pod.Status.PodIPs) > 0
	}
	for uid, a := range g.known {
		address, exists := told[uid]
		waits := !isClosed(a.held)
		if !waits && (address || !exists && (a.seen || now.Sub(a.at) > forgotten)) {
			delete(g.known, uid)
			continue
		}
		a.seen = a.seen || exists
		all = append(all, a.pod)
		if waits {
			waiting = append(waiting, a.pod)
		}
	}
	byName := func(a, b *corev1.Pod) int { return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) }
	slices.SortFunc(all, byName)
	slices.SortFunc(waiting, byName)
	return all, waiting
}

// let tells the agent that policies hold for pods, unless they have come anew since.
func (g *Gate) let(pods []*corev1.Pod) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, pod := range pods {
		if a := g.known[pod.UID]; a != nil && a.pod == pod && !isClosed(a.held) {
			close(a.held)
		}
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
