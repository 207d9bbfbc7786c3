package wiring

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/orrery-dev/orrery/framework/activity"
	"github.com/orrery-dev/orrery/framework/loop"
)

// newSecretsApart is the cache that the loops of a manager share, as one of them knows it: Secrets come from a cache of the loop's
// own, which reads them as the loop. It is made when the loop first asks for one. So Secrets are held for, and may be read by, those
// loops alone whose markers ask for them. Indexes of Secrets there are none: those that loops declare are of the shared cache.
func newSecretsApart(mgr manager.Manager, m *asLoop, activity *activity.Tracker) *loop.SplitCache {
	own := sync.OnceValues(func() (cache.Cache, error) {
		own, err := cache.New(m.config, cache.Options{
			HTTPClient: m.http, Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), NewInformer: activity.Informers(mgr.GetScheme(), loop.NewInformer),
		})
		if err == nil {
			err = mgr.Add(own)
		}
		if err != nil {
			return nil, fmt.Errorf("making a cache of Secrets: %w", err)
		}
		return own, nil
	})
	return &loop.SplitCache{Cache: mgr.GetCache(), Scheme: mgr.GetScheme(), Of: func(kind schema.GroupKind) (cache.Cache, error) {
		if kind == corev1.SchemeGroupVersion.WithKind("Secret").GroupKind() {
			return own()
		}
		return nil, nil
	}}
}
