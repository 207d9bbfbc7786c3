package scenarios

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// rule looks at all pods of a moment, and says what is wrong with it; "" if nothing is.
type rule func(pods map[types.UID]*ocorev1.Pod) string

// within is the rule of a rolling update: at least so many pods are available, and there are at most so many.
func within(least, most int) rule {
	return func(pods map[types.UID]*ocorev1.Pod) string {
		available, total := 0, 0
		for _, pod := range pods {
			if running(pod) {
				available++
			}
			if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodFailed {
				total++
			}
		}
		if available < least || total > most {
			return fmt.Sprintf("%d of %d pods were available, want at least %d and at most %d in all", available, total, least, most)
		}
		return ""
	}
}

// oneVersion is the rule of the strategy Recreate.
func oneVersion(pods map[types.UID]*ocorev1.Pod) string {
	var images []string
	for _, pod := range pods {
		images = append(images, pod.Spec.Containers[0].Image)
	}
	slices.Sort(images)
	if images = slices.Compact(images); len(images) > 1 {
		return fmt.Sprintf("there were pods of %v at once", images)
	}
	return ""
}

// watchPods holds every moment from now on to a rule, until the function that it returns is called, or the test ends.
func (c *cluster) watchPods(t *testing.T, holds rule) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events, err := c.watchFrom(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := hold(t, events.ResultChan(), holds); ctx.Err() == nil {
			t.Errorf("the watch of pods ended too early: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		events.Stop()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}

// hold follows the pods by events, as long as there are any. A bookmark says that all pods which were there before have
// been told.
func hold(t *testing.T, events <-chan watch.Event, holds rule) error {
	pods := map[types.UID]*ocorev1.Pod{}
	told := false
	for event := range events {
		pod, ok := event.Object.(*ocorev1.Pod)
		if !ok {
			return apierrors.FromObject(event.Object)
		}
		switch event.Type {
		case watch.Bookmark:
			told = true
		case watch.Deleted:
			delete(pods, pod.UID)
		default:
			pods[pod.UID] = pod
		}
		if wrong := holds(pods); told && wrong != "" {
			t.Error(wrong)
		}
	}
	return nil
}

// watchFrom watches the pods of the namespace, beginning with those that there are.
func (c *cluster) watchFrom(ctx context.Context) (watch.Interface, error) {
	return c.Watch(ctx, &ocorev1.PodList{}, &client.ListOptions{Namespace: c.namespace, Raw: &metav1.ListOptions{
		SendInitialEvents: new(true), AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	}})
}
