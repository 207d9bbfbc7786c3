package judges

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// retryAfter is when an API server is asked again that did not answer.
	retryAfter = time.Second
	// lookEvery is when it is asked again although nothing has changed, or where it cannot be watched.
	lookEvery = time.Minute
	// believedAfter is how often in a row it has to say that it may not be asked.
	believedAfter = 5
)

// Watch knows what an API server's configuration said when it could be read last: pods that run are not ended because of a right that is
// missing for a while. Its zero value has not looked, and takes no pod for judged.
type Watch struct {
	Client client.WithWatch
	Clock  clock.Clock
	Log    logr.Logger

	since atomic.Pointer[time.Time] // nil: pods are not judged
}

// Judged says whether a pod was judged when it was made. Of one that was made in the second in which the webhooks were installed it is
// not known.
func (w *Watch) Judged(pod *corev1.Pod) bool {
	since := w.since.Load()
	return since != nil && pod.CreationTimestamp.After(*since)
}

// Look asks the API server until it has answered, or ctx ends. That the configuration may not be read is an answer when it has been
// given often: an API server that has just been started says so of everything. It returns the version of the configuration; false if
// there was none to be read.
func (w *Watch) Look(ctx context.Context) (version string, read bool) {
	for refusals := 0; ; {
		var list admissionregistrationv1.ValidatingWebhookConfigurationList
		err := w.Client.List(ctx, &list)
		if err == nil {
			w.see(list.Items)
			return list.ResourceVersion, true
		}
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			if refusals++; refusals == believedAfter {
				w.Log.Info("It cannot be seen whether webhooks judge custom pods", "cause", err.Error(), "judged", w.since.Load() != nil)
				return "", false
			}
		}
		select {
		case <-ctx.Done():
			return "", false
		case <-w.Clock.After(retryAfter):
		}
	}
}

// see takes up what the configuration says, and tells of it where it is another than before.
func (w *Watch) see(configurations []admissionregistrationv1.ValidatingWebhookConfiguration) {
	since, judged := Since(configurations)
	before := w.since.Load()
	switch {
	case !judged:
		if w.since.Store(nil); before != nil {
			w.Log.Info("Custom pods are not judged by webhooks of the cluster any more")
		}
	case before == nil || !before.Equal(since):
		w.since.Store(&since)
		w.Log.Info("Custom pods are judged by webhooks of the cluster", "since", since)
	}
}

// Run follows the configuration until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookEvery
		if version, read := w.Look(ctx); read && w.change(ctx, version) {
			wait = retryAfter // and not at once, whatever somebody does to the configuration
		}
		select {
		case <-ctx.Done():
		case <-w.Clock.After(wait):
		}
	}
}

// change waits for a change of the configuration after a version; false if that cannot be seen.
func (w *Watch) change(ctx context.Context, version string) bool {
	changes, err := w.Client.Watch(ctx, &admissionregistrationv1.ValidatingWebhookConfigurationList{},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}})
	if err != nil {
		return false
	}
	defer changes.Stop()
	select {
	case <-ctx.Done():
	case <-changes.ResultChan():
	case <-w.Clock.After(lookEvery):
	}
	return true
}
