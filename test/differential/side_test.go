package differential

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// compared are lists of the kinds that are compared; Events are compared too, but are no sign of work.
func compared() []client.ObjectList {
	return []client.ObjectList{
		&corev1.PodList{}, &corev1.ReplicationControllerList{}, &corev1.ServiceList{}, &corev1.EndpointsList{}, //nolint:staticcheck // Endpoints are served
		&corev1.ResourceQuotaList{}, &corev1.PersistentVolumeClaimList{}, &corev1.ConfigMapList{},
		&appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &appsv1.StatefulSetList{}, &appsv1.DaemonSetList{}, &appsv1.ControllerRevisionList{},
		&batchv1.JobList{}, &batchv1.CronJobList{}, &policyv1.PodDisruptionBudgetList{}, &discoveryv1.EndpointSliceList{}, &autoscalingv2.HorizontalPodAutoscalerList{},
		&corev1.PersistentVolumeList{}, &corev1.NodeList{},
	}
}

// side is an API server with controllers, and what is known of it.
type side struct {
	name string
	client.Client
	objects cache.Cache

	mu      sync.Mutex
	changes map[string]change // by namespace
	pulse   pulse

	config  *rest.Config
	metrics *httptest.Server
	run     runs
	lives   int
	end     context.CancelFunc
	ended   chan error
}

// change is the last one of a namespace.
type change struct {
	number int
	at     time.Time
	what   string
}

// runs runs controllers until its context ends, and calls ready when they have seen what there is.
type runs func(ctx context.Context, s *side, ready func()) error

func newSide(ctx context.Context, name string, config *rest.Config, run runs) (*side, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.WarningHandlerWithContext = rest.NoWarnings{}
	s := &side{name: name, changes: map[string]change{}, config: config, run: run}
	var err error
	if s.Client, err = client.New(userAgent(config, scenarios), client.Options{Scheme: scheme.Scheme}); err != nil {
		return nil, fmt.Errorf("making the client of %s: %w", name, err)
	}
	if s.objects, err = cache.New(config, cache.Options{Scheme: scheme.Scheme, DefaultTransform: onlyManagers}); err != nil {
		return nil, fmt.Errorf("making the cache of %s: %w", name, err)
	}
	if err := s.watch(ctx); err != nil {
		return nil, err
	}
	s.metrics = metricsServer(s)
	context.AfterFunc(ctx, s.metrics.Close)
	if err := joins(ctx, s, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}); err != nil {
		return nil, fmt.Errorf("creating the node of %s: %w", name, err)
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	for _, goesOn := range []func(context.Context) error{s.live, func(ctx context.Context) error { return s.pulse.beat(ctx, s) }} {
		go func() {
			if err := goesOn(ctx); err != nil && ctx.Err() == nil {
				panic(err)
			}
		}()
	}
	return s, nil
}

// scenarios is the field manager of what the scenarios write themselves.
const scenarios = "scenarios"

func userAgent(config *rest.Config, name string) *rest.Config {
	config = rest.CopyConfig(config)
	config.UserAgent = name
	return config
}

// onlyManagers leaves of the managed fields of an object who writes it.
func onlyManagers(obj any) (any, error) {
	if o, ok := obj.(client.Object); ok {
		var managers []metav1.ManagedFieldsEntry
		for _, entry := range o.GetManagedFields() {
			managers = append(managers, metav1.ManagedFieldsEntry{Manager: entry.Manager})
		}
		o.SetManagedFields(managers)
	}
	return obj, nil
}

// watch notes when something changes in each namespace.
func (s *side) watch(ctx context.Context) error {
	for _, list := range append(compared(), &corev1.NamespaceList{}) {
		kind, err := kindOf(list)
		if err != nil {
			return err
		}
		object, err := scheme.Scheme.New(kind)
		if err != nil {
			return fmt.Errorf("making a %s: %w", kind.Kind, err)
		}
		informer, err := s.objects.GetInformer(ctx, object.(client.Object), cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watching %s of %s: %w", kind.Kind, s.name, err)
		}
		note := func(verb string, obj any) {
			if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			o := obj.(client.Object)
			s.touch(scenarioOf(o), verb+" "+kind.Kind+" "+o.GetName())
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { note("add", obj) },
			UpdateFunc: func(_, obj any) { note("update", obj) },
			DeleteFunc: func(obj any) { note("delete", obj) },
		}); err != nil {
			return fmt.Errorf("watching %s of %s: %w", kind.Kind, s.name, err)
		}
	}
	if _, err := s.objects.GetInformer(ctx, &corev1.Event{}, cache.BlockUntilSynced(false)); err != nil {
		return fmt.Errorf("watching events of %s: %w", s.name, err)
	}
	go func() { _ = s.objects.Start(ctx) }() // it ends with ctx
	if !s.objects.WaitForCacheSync(ctx) {
		return fmt.Errorf("filling the cache of %s: %w", s.name, context.Cause(ctx))
	}
	return nil
}

// scenarioOf is the namespace of the scenario that an object belongs to.
func scenarioOf(obj client.Object) string {
	return cmp.Or(obj.GetNamespace(), obj.GetLabels()[scenarioLabel], obj.GetName())
}

func (s *side) touch(namespace, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes[namespace] = change{number: s.changes[namespace].number + 1, at: time.Now(), what: what}
}

// last is the last change of a namespace.
func (s *side) last(namespace string) change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes[namespace]
}

// rested says whether nothing happened for so long, in seconds and in beats, after a change, and no controller had anything to do, lately
// neither: one that looks long at what does not change, on a busy machine, is at work.
func (s *side) rested(last change, seconds time.Duration, beats int) bool {
	const lately = 10 * time.Second
	told := last.at.Add(100 * time.Millisecond) // by then informers have told their controllers
	if ago := time.Now().Add(-lately); told.Before(ago) {
		told = ago
	}
	_, idle := queued.emptySince(told)
	return idle && time.Since(last.at) >= seconds && s.pulse.since(last.at) >= beats
}

// start runs the controllers, and returns when they answer.
func (s *side) start(ctx context.Context) error {
	s.lives++
	life, stop := context.WithCancel(ctx)
	s.ended, s.end = make(chan error, 1), stop
	ready := make(chan struct{})
	go func() { s.ended <- s.run(life, s, sync.OnceFunc(func() { close(ready) })) }()
	select {
	case <-ready:
	case err := <-s.ended:
		return fmt.Errorf("running the controllers of %s: %w", s.name, err)
	}
	return awaitControllers(ctx, s, fmt.Sprintf("probes-%d", s.lives))
}

// stop returns when the controllers have ended.
func (s *side) stop() error {
	s.end()
	if err := <-s.ended; err != nil {
		return fmt.Errorf("stopping the controllers of %s: %w", s.name, err)
	}
	return nil
}

// read returns everything that is compared in a namespace, the namespace itself if that is wanted, and its Events.
func (s *side) read(ctx context.Context, namespace string, itself bool) ([]client.Object, []corev1.Event, error) {
	var all []client.Object
	for _, list := range compared() {
		where := client.ListOption(client.InNamespace(namespace))
		switch list.(type) {
		case *corev1.PersistentVolumeList, *corev1.NodeList:
			where = client.MatchingLabels{scenarioLabel: namespace}
		}
		if err := s.objects.List(ctx, list, where); err != nil {
			return nil, nil, fmt.Errorf("reading %T of %s: %w", list, s.name, err)
		}
		objects, err := items(list)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, objects...)
	}
	if itself {
		var found corev1.Namespace
		err := s.objects.Get(ctx, client.ObjectKey{Name: namespace}, &found)
		if client.IgnoreNotFound(err) != nil {
			return nil, nil, fmt.Errorf("reading namespace %s of %s: %w", namespace, s.name, err)
		}
		if err == nil {
			all = append(all, &found)
		}
	}
	var events corev1.EventList
	if err := s.objects.List(ctx, &events, client.InNamespace(namespace)); err != nil {
		return nil, nil, fmt.Errorf("reading events of %s: %w", s.name, err)
	}
	return all, events.Items, nil
}
