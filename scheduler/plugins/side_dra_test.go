package plugins_test

import (
	"cmp"
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	typedresourcev1 "k8s.io/client-go/kubernetes/typed/resource/v1"
	clienttesting "k8s.io/client-go/testing"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	slicetracker "k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	upstreamdra "k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	upstreamnoderesources "k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"
	upstreammetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"

	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/dynamicresources"
	"github.com/orrery-dev/orrery/scheduler/plugins/noderesourcesfit"
)

// side is one of the two schedulers. Its plugins live on from cluster to cluster, because compiling expressions takes long.
type side struct {
	fwk.Handle
	factory    informers.SharedInformerFactory
	client     *lazyClient
	known      *recorder
	snapshot   fwk.SharedLister
	reported   *corev1.Pod // ours says here what upstream's writes into the pod
	plugin     fwk.Plugin
	fit        fwk.Plugin
	newState   func() fwk.CycleState
	newTracker func() (claims fwk.ResourceClaimTracker, show func(*resourcev1.ResourceClaim))
	takeOn     func(w *cluster)
}

func (s *side) ClientSet() clientset.Interface                         { return s.client }
func (s *side) SharedDRAManager() fwk.SharedDRAManager                 { return s.known }
func (s *side) SharedInformerFactory() informers.SharedInformerFactory { return s.factory }
func (s *side) SnapshotSharedLister() fwk.SharedLister                 { return s.snapshot }
func (s *side) ProfileName() string                                    { return "default-scheduler" }
func (s *side) EventRecorder() events.EventRecorderLogger              { return &events.FakeRecorder{} }

// lazyClient makes the fake API server of a cluster when it is first asked for: most clusters write nothing.
type lazyClient struct {
	clientset.Interface
	open func() *fake.Clientset
	made *fake.Clientset
}

func (c *lazyClient) get() *fake.Clientset {
	if c.made == nil {
		c.made = c.open()
	}
	return c.made
}

func (c *lazyClient) ResourceV1() typedresourcev1.ResourceV1Interface { return c.get().ResourceV1() }
func (c *lazyClient) CoreV1() typedcorev1.CoreV1Interface             { return c.get().CoreV1() }

// recorder is a SharedDRAManager that remembers what was signalled.
type recorder struct {
	fwk.ResourceClaimTracker
	factory   informers.SharedInformerFactory
	resolver  *extendedresourcecache.ExtendedResourceCache
	signalled []*resourcev1.ResourceClaim
}

func (r *recorder) ResourceClaims() fwk.ResourceClaimTracker     { return r }
func (r *recorder) ResourceSlices() fwk.ResourceSliceLister      { return sliceLister{r.factory} }
func (r *recorder) DeviceClasses() fwk.DeviceClassLister         { return classLister{r.factory} }
func (r *recorder) DeviceClassResolver() fwk.DeviceClassResolver { return r }
func (r *recorder) GetDeviceClass(name corev1.ResourceName) *resourcev1.DeviceClass {
	return r.resolver.GetDeviceClass(name)
}

func (r *recorder) SignalClaimPendingAllocation(uid types.UID, claim *resourcev1.ResourceClaim) error {
	r.signalled = append(r.signalled, claim)
	return r.ResourceClaimTracker.SignalClaimPendingAllocation(uid, claim)
}

type sliceLister struct {
	informers.SharedInformerFactory
}

func (l sliceLister) ListWithDeviceTaintRules() ([]*resourcev1.ResourceSlice, error) {
	return listed[*resourcev1.ResourceSlice](l.Resource().V1().ResourceSlices().Informer()), nil
}

type classLister struct {
	informers.SharedInformerFactory
}

func (l classLister) Get(name string) (*resourcev1.DeviceClass, error) {
	return l.Resource().V1().DeviceClasses().Lister().Get(name)
}

func (l classLister) List() ([]*resourcev1.DeviceClass, error) {
	return listed[*resourcev1.DeviceClass](l.Resource().V1().DeviceClasses().Informer()), nil
}

func listed[T metav1.Object](informer toolscache.SharedIndexInformer) []T {
	var all []T
	for _, object := range informer.GetStore().List() {
		all = append(all, object.(T))
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all
}

func newSide() *side {
	factory := informers.NewSharedInformerFactory(fake.NewSimpleClientset(), 0) // It is never started.
	return &side{factory: factory, client: &lazyClient{}, known: &recorder{factory: factory}}
}

func ourSide(t *testing.T) *side {
	t.Helper()
	s := newSide()
	s.newState = func() fwk.CycleState { return framework.NewCycleState(false) }
	s.takeOn = func(w *cluster) { s.snapshot = w.ourSnapshot() }
	s.newTracker = func() (fwk.ResourceClaimTracker, func(*resourcev1.ResourceClaim)) {
		claims := dra.NewClaims()
		return claims, func(claim *resourcev1.ResourceClaim) { claims.OnAdd(claim, false) }
	}
	var err error
	pods := dynamicresources.Pods{
		Kind: corev1.SchemeGroupVersion.WithKind("Pod"),
		ChangeStatus: func(_ context.Context, pod *corev1.Pod, change func(*corev1.PodStatus)) error {
			s.reported = pod.DeepCopy()
			change(&s.reported.Status)
			return nil
		},
	}
	if s.plugin, err = dynamicresources.Factory(pods)(t.Context(), &configv1.DynamicResourcesArgs{}, s); err != nil {
		t.Fatal(err)
	}
	if s.fit, err = noderesourcesfit.New(t.Context(), plainFit(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func plainFit() *configv1.NodeResourcesFitArgs {
	return &configv1.NodeResourcesFitArgs{ScoringStrategy: &configv1.ScoringStrategy{
		Type: configv1.LeastAllocated, Resources: []configv1.ResourceSpec{{Name: "cpu", Weight: 1}},
	}}
}

func theirSide(t *testing.T) *side {
	t.Helper()
	upstreammetrics.Register()
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	s := newSide()
	s.newState = func() fwk.CycleState { return upstream.NewCycleState() }
	s.takeOn = func(w *cluster) { s.snapshot = w.theirSnapshot() }
	tracker, err := slicetracker.StartTracker(t.Context(), slicetracker.Options{SliceInformer: s.factory.Resource().V1().ResourceSlices()})
	if err != nil {
		t.Fatal(err)
	}
	s.newTracker = func() (fwk.ResourceClaimTracker, func(*resourcev1.ResourceClaim)) {
		claims := assumecache.NewAssumeCache(klog.Background(), nil, "ResourceClaim", "", nil)
		manager := upstreamdra.NewDRAManager(t.Context(), claims, tracker, s.factory)
		return manager.ResourceClaims(), func(claim *resourcev1.ResourceClaim) { assumecache.AddTestObject(claims, claim) }
	}
	if s.plugin, err = upstreamdra.New(t.Context(), &config.DynamicResourcesArgs{}, s, gates); err != nil {
		t.Fatal(err)
	}
	fitArgs, err := internal(plainFit())
	if err != nil {
		t.Fatal(err)
	}
	if s.fit, err = upstreamnoderesources.NewFit(t.Context(), fitArgs, s, gates); err != nil {
		t.Fatal(err)
	}
	return s
}

// enter puts a side into a cluster.
func (s *side) enter(t *testing.T, w *cluster, d *devices) {
	t.Helper()
	s.takeOn(w)
	s.reported = nil
	s.known.signalled = nil
	s.known.resolver = extendedresourcecache.NewExtendedResourceCache(klog.Background())
	kinds := s.factory.Resource().V1()
	fill(t, kinds.ResourceSlices().Informer(), d.slices)
	fill(t, kinds.DeviceClasses().Informer(), d.classes)
	for _, class := range d.classes {
		s.known.resolver.OnAdd(class, false)
	}
	claims, show := s.newTracker()
	s.known.ResourceClaimTracker = claims
	for _, claim := range d.claims {
		show(claim)
	}
	for _, claim := range d.pending {
		if err := claims.SignalClaimPendingAllocation(claim.UID, claim); err != nil {
			t.Fatal(err)
		}
	}
	s.client.made = nil
	s.client.open = func() *fake.Clientset { return s.serve(w, d, show) }
}

func fill[T any](t *testing.T, informer toolscache.SharedIndexInformer, objects []T) {
	t.Helper()
	var all []any
	for _, object := range objects {
		all = append(all, object)
	}
	if err := informer.GetStore().Replace(all, ""); err != nil {
		t.Fatal(err)
	}
}

// serve is an API server that has the pod and all claims, names new claims, and shows them at once.
func (s *side) serve(w *cluster, d *devices, show func(*resourcev1.ResourceClaim)) *fake.Clientset {
	objects := []runtime.Object{w.pod.DeepCopy()}
	for _, claim := range d.claims {
		objects = append(objects, claim.DeepCopy())
	}
	server := fake.NewSimpleClientset(objects...) // No field managers are needed, which take long.
	server.PrependReactor("create", "resourceclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
		claim := action.(clienttesting.CreateAction).GetObject().(*resourcev1.ResourceClaim).DeepCopy()
		claim.Name, claim.UID, claim.ResourceVersion = "made", "made-uid", "11"
		show(claim)
		return true, claim, server.Tracker().Create(action.GetResource(), claim, claim.Namespace)
	})
	return server
}
