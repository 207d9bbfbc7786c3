package activity_test

import (
	"context"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/framework/activity"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	toolscache "k8s.io/client-go/tools/cache"
)

// server is an API server with ConfigMaps, whose watch says what a test has it say.
type server struct {
	listed []corev1.ConfigMap
	at     string
	events *watch.FakeWatcher
}

func (s *server) List(metav1.ListOptions) (runtime.Object, error) {
	return &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: s.at}, Items: s.listed}, nil
}

func (s *server) Watch(metav1.ListOptions) (watch.Interface, error) { return s.events, nil }

// IsWatchListSemanticsUnSupported is spelled by client-go.
func (*server) IsWatchListSemanticsUnSupported() bool { return true }

func configMap(name, version string) corev1.ConfigMap {
	return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, ResourceVersion: version}}
}

// rests says whether there is rest soon when ConfigMaps were written last at a revision.
func rests(t *testing.T, tracker *activity.Tracker, revision uint64) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	return tracker.Rest(ctx, func(context.Context) (activity.Revisions, error) {
		return activity.Revisions{At: revision, Of: func(schema.GroupKind) uint64 { return revision }}, nil
	}) == nil
}

func TestAnInformerIsWaitedForUntilItsHandlersHaveBeenTold(t *testing.T) {
	s := &server{listed: []corev1.ConfigMap{configMap("a", "5")}, at: "6", events: watch.NewFake()}
	tracker := activity.New(nil)
	informer := tracker.Informers(clientgoscheme.Scheme, nil)(s, &corev1.ConfigMap{}, 0, toolscache.Indexers{})
	entered, leave := make(chan struct{}), make(chan struct{})
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{UpdateFunc: func(any, any) {
		entered <- struct{}{}
		<-leave
	}}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); informer.RunWithContext(ctx) }()
	toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced)
	if !rests(t, tracker, 6) {
		t.Fatal("it does not rest when all has been listed")
	}
	changed := configMap("a", "7")
	s.listed = []corev1.ConfigMap{changed}
	if rests(t, tracker, 7) {
		t.Error("it rests although its watch has not told of what was written")
	}

	s.events.Modify(&changed)
	<-entered
	if rests(t, tracker, 7) {
		t.Error("it rests while a handler is being told")
	}
	close(leave)
	if !rests(t, tracker, 7) {
		t.Error("it does not rest when all have been told")
	}

	gone := configMap("a", "8")
	s.events.Delete(&gone)
	if !rests(t, tracker, 8) {
		t.Error("it does not rest after a deletion")
	}

	// What was written at 9 is none of its concern: its list, with a selector, does not have it either.
	s.listed = nil
	if !rests(t, tracker, 9) {
		t.Error("it does not rest although it has all that the API server has for it")
	}

	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{}); err != nil {
		t.Fatal(err)
	}
	if !rests(t, tracker, 9) {
		t.Error("it waits to tell a new handler of what was before its time")
	}
	stop()
	<-ended
	if !rests(t, tracker, 99) {
		t.Error("it is waited for although it has ended")
	}
}
