package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/orrery-dev/orrery/test/soak"
)

const (
	// soakLabel is on the objects that are written, and valueKey where their value is.
	soakLabel, valueKey = "soak", "value"
	// contended is how many objects all clients write.
	contended = 4
	// clientPause is how long a client rests after each request, and clientPatience how long it waits for an answer.
	clientPause, clientPatience = 25 * time.Millisecond, 2 * time.Second
	// watchSeconds is how long a watcher stays with one member at most.
	watchSeconds = 8
)

// ledger keeps what all clients of a round did.
type ledger struct {
	namespace string
	began     time.Time

	mu      sync.Mutex
	history []soak.Operation
}

// keep keeps what an operation has come to, beginning now.
func (l *ledger) keep(o soak.Operation, do func(*soak.Operation) error) (soak.Operation, error) {
	o.Called = int64(time.Since(l.began))
	err := do(&o)
	o.Returned = int64(time.Since(l.began))
	switch {
	case err == nil:
		o.Result = soak.Acknowledged
	case o.Verb == soak.Read && apierrors.IsNotFound(err):
		o.Result, o.Version, o.Value, err = soak.Acknowledged, 0, "", nil
	case o.Verb == soak.Write && (apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)):
		o.Result, o.Told = soak.Refused, err.Error()
	default:
		o.Result, o.Told = soak.Unknown, err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, o)
	return o, err
}

// soakClient asks one member, one request after the other, each of them once.
type soakClient struct {
	*ledger
	n      int
	api    kubernetes.Interface
	random *rand.Rand
	wrote  int
}

// run reads and writes until it is told to end.
func (c *soakClient) run(ctx context.Context) {
	pause := time.NewTicker(clientPause)
	defer pause.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		switch {
		case i%10 == 0:
			_ = c.create(ctx, fmt.Sprintf("made-%d-%d", c.n, i)) // it is kept
		case i%10 == 5:
			_ = c.list(ctx, contendedNames()) // likewise
		default:
			name := contendedName(c.random.IntN(contended))
			if read, err := c.get(ctx, name); err == nil {
				_ = c.update(ctx, read) // likewise
			}
		}
		<-pause.C
	}
}

func contendedName(n int) string { return "contended-" + strconv.Itoa(n) }

func contendedNames() (all []string) {
	for n := range contended {
		all = append(all, contendedName(n))
	}
	return all
}

// get reads an object; that it is not there is an answer, too.
func (c *soakClient) get(ctx context.Context, name string) (soak.Operation, error) {
	return c.keep(soak.Operation{Client: c.n, Object: name, Verb: soak.Read}, func(o *soak.Operation) error {
		asking, cancel := context.WithTimeout(ctx, clientPatience)
		defer cancel()
		got := &corev1.ConfigMap{}
		err := c.api.CoreV1().RESTClient().Get().MaxRetries(0).Namespace(c.namespace).Resource("configmaps").Name(name).Do(asking).Into(got)
		if err == nil {
			o.Version, o.Value = version(got), got.Data[valueKey]
		}
		return err
	})
}

// list reads objects together.
func (c *soakClient) list(ctx context.Context, names []string) error {
	called := int64(time.Since(c.began))
	asking, cancel := context.WithTimeout(ctx, clientPatience)
	defer cancel()
	list, err := c.api.CoreV1().ConfigMaps(c.namespace).List(asking, metav1.ListOptions{LabelSelector: soakLabel})
	if err != nil {
		return err
	}
	found := map[string]soak.Operation{}
	for i := range list.Items {
		found[list.Items[i].Name] = soak.Operation{Version: version(&list.Items[i]), Value: list.Items[i].Data[valueKey]}
	}
	returned := int64(time.Since(c.began))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		o := found[name] // the zero value is one that is not there
		o.Client, o.Object, o.Verb, o.Result, o.Called, o.Returned = c.n, name, soak.Read, soak.Acknowledged, called, returned
		c.history = append(c.history, o)
	}
	return nil
}

func (c *soakClient) create(ctx context.Context, name string) error {
	return c.write(ctx, soak.Operation{Object: name})
}

// update writes an object over what was read of it.
func (c *soakClient) update(ctx context.Context, read soak.Operation) error {
	return c.write(ctx, soak.Operation{Object: read.Object, From: read.Version})
}

// write has the request made once: a client that tries again by itself could be refused for its own first try.
func (c *soakClient) write(ctx context.Context, o soak.Operation) error {
	c.wrote++
	o.Client, o.Verb, o.Value = c.n, soak.Write, fmt.Sprintf("%d-%d", c.n, c.wrote)
	_, err := c.keep(o, func(o *soak.Operation) error {
		asking, cancel := context.WithTimeout(ctx, clientPatience)
		defer cancel()
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: o.Object, Labels: map[string]string{soakLabel: ""}}, Data: map[string]string{valueKey: o.Value}}
		request := c.api.CoreV1().RESTClient().Post()
		if o.From > 0 {
			config.ResourceVersion = strconv.FormatUint(o.From, 10)
			request = c.api.CoreV1().RESTClient().Put().Name(o.Object)
		}
		err := request.MaxRetries(0).Namespace(c.namespace).Resource("configmaps").Body(config).Do(asking).Into(config)
		o.Version = 0
		if err == nil {
			o.Version = version(config)
		}
		return err
	})
	return err
}

// watcher watches one member after the other, from where it was.
type watcher struct {
	namespace string
	// members are those that it may ask, and at the index of the one that it asks now.
	members []kubernetes.Interface
	at      int
	// told is what it has been told, and seen how far. Zero has to begin with a list.
	told soak.Watch
	seen atomic.Uint64
}

func (w *watcher) run(ctx context.Context) {
	pause := time.NewTicker(clientPause)
	defer pause.Stop()
	for ; ctx.Err() == nil; w.at = (w.at + 1) % len(w.members) {
		if w.seen.Load() > 0 || w.list(ctx) {
			w.follow(ctx)
		}
		<-pause.C
	}
}

// list begins, or begins anew, and says whether it could.
func (w *watcher) list(ctx context.Context) bool {
	asking, cancel := context.WithTimeout(ctx, clientPatience)
	defer cancel()
	list, err := w.members[w.at].CoreV1().ConfigMaps(w.namespace).List(asking, metav1.ListOptions{LabelSelector: soakLabel})
	if err != nil {
		return false
	}
	n := soak.Notice{Kind: soak.Listed, Version: number(list.ResourceVersion), Objects: map[string]uint64{}}
	for i := range list.Items {
		n.Objects[list.Items[i].Name] = version(&list.Items[i])
	}
	w.keep(n)
	return true
}

// follow keeps what one watch tells until it ends.
func (w *watcher) follow(ctx context.Context) {
	seconds := int64(watchSeconds)
	stream, err := w.members[w.at].CoreV1().ConfigMaps(w.namespace).Watch(ctx, metav1.ListOptions{
		LabelSelector: soakLabel, ResourceVersion: strconv.FormatUint(w.seen.Load(), 10), AllowWatchBookmarks: true, TimeoutSeconds: &seconds,
	})
	if err != nil {
		w.beginsAnewAfter(err)
		return
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		config, ok := event.Object.(*corev1.ConfigMap)
		switch {
		case !ok:
			w.beginsAnewAfter(apierrors.FromObject(event.Object))
			return
		case event.Type == watch.Bookmark:
			w.keep(soak.Notice{Kind: soak.Bookmarked, Version: version(config)})
		case event.Type == watch.Deleted:
			w.keep(soak.Notice{Kind: soak.Changed, Version: version(config), Object: config.Name, Value: "(deleted)"})
		default:
			w.keep(soak.Notice{Kind: soak.Changed, Version: version(config), Object: config.Name, Value: config.Data[valueKey]})
		}
	}
}

// beginsAnewAfter has it list again where a member knows no changes since then: one that has just started.
func (w *watcher) beginsAnewAfter(err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		w.seen.Store(0)
	}
}

// keep is called by one goroutine; others read only how far it is.
func (w *watcher) keep(n soak.Notice) {
	w.told.Notices = append(w.told.Notices, n)
	w.seen.Store(n.Version)
}

func version(o metav1.Object) uint64 { return number(o.GetResourceVersion()) }

// number is a resourceVersion as one; 0 is none, which is found to be wrong.
func number(resourceVersion string) uint64 {
	n, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
