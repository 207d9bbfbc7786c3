package loop_test

import (
	"context"
	"testing"

	"github.com/orrery-dev/orrery/framework/loop"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// oldServer is the list and watch of an API server that does not stream first lists.
type oldServer struct{ *toolscache.ListWatch }

func (oldServer) IsWatchListSemanticsUnSupported() bool { return true }

func TestAnInformersFirstListIsCurrent(t *testing.T) {
	asked := make(chan string, 1)
	server := oldServer{&toolscache.ListWatch{
		ListWithContextFunc: func(_ context.Context, options metav1.ListOptions) (runtime.Object, error) {
			select {
			case asked <- options.ResourceVersion:
			default:
			}
			return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}}, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if options.ResourceVersion != "7" {
				t.Errorf("the watch begins at %q, want where the list ended", options.ResourceVersion)
			}
			return watch.NewFake(), nil
		},
	}}
	for name, informer := range map[string]toolscache.SharedIndexInformer{
		"":  loop.NewInformer(server, &corev1.Pod{}, 0, nil),
		"0": toolscache.NewSharedIndexInformer(server, &corev1.Pod{}, 0, nil), // why it is needed
	} {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			informer.RunWithContext(ctx)
		}()
		if got := <-asked; got != name {
			t.Errorf("the first list is asked for at %q, want %q", got, name)
		}
		stop()
		<-ended
		for len(asked) > 0 {
			<-asked
		}
	}
}
