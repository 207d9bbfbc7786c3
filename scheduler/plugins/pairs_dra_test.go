package plugins_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
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

// side is one of the two schedulers. Its plugins live on from world to world, because compiling expressions takes long.
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
	newTracker func() (claims fwk.ResourceClaimTracker, show func(*resourceapi.ResourceClaim))
	takeOn     func(w *world)
}

func (s *side) ClientSet() clientset.Interface                         { return s.client }
func (s *side) SharedDRAManager() fwk.SharedDRAManager                 { return s.known }
func (s *side) SharedInformerFactory() informers.SharedInformerFactory { return s.factory }
func (s *side) SnapshotSharedLister() fwk.SharedLister                 { return s.snapshot }
func (s *side) ProfileName() string                                    { return "default-scheduler" }
func (s *side) EventRecorder() events.EventRecorderLogger              { return &events.FakeRecorder{} }

// lazyClient makes the fake API server of a world when it is first asked for: most worlds write nothing.
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
	signalled []*resourceapi.ResourceClaim
}

func (r *recorder) ResourceClaims() fwk.ResourceClaimTracker     { return r }
func (r *recorder) ResourceSlices() fwk.ResourceSliceLister      { return sliceLister{r.factory} }
func (r *recorder) DeviceClasses() fwk.DeviceClassLister         { return classLister{r.factory} }
func (r *recorder) DeviceClassResolver() fwk.DeviceClassResolver { return r }
func (r *recorder) GetDeviceClass(name corev1.ResourceName) *resourceapi.DeviceClass {
	return r.resolver.GetDeviceClass(name)
}

func (r *recorder) SignalClaimPendingAllocation(uid types.UID, claim *resourceapi.ResourceClaim) error {
	r.signalled = append(r.signalled, claim)
	return r.ResourceClaimTracker.SignalClaimPendingAllocation(uid, claim)
}

type sliceLister struct {
	informers.SharedInformerFactory
}

func (l sliceLister) ListWithDeviceTaintRules() ([]*resourceapi.ResourceSlice, error) {
	return listed[*resourceapi.ResourceSlice](l.Resource().V1().ResourceSlices().Informer()), nil
}

type classLister struct {
	informers.SharedInformerFactory
}

func (l classLister) Get(name string) (*resourceapi.DeviceClass, error) {
	return l.Resource().V1().DeviceClasses().Lister().Get(name)
}

func (l classLister) List() ([]*resourceapi.DeviceClass, error) {
	return listed[*resourceapi.DeviceClass](l.Resource().V1().DeviceClasses().Informer()), nil
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
	factory := informers.NewSharedInformerFactory(fake.NewSimpleClientset(), 0) //nolint:staticcheck // It is never started.
	return &side{factory: factory, client: &lazyClient{}, known: &recorder{factory: factory}}
}

func ourSide(t *testing.T, filterTimeout time.Duration) *side {
	t.Helper()
	s := newSide()
	s.newState = func() fwk.CycleState { return framework.NewCycleState(false) }
	s.takeOn = func(w *world) { s.snapshot = w.ourSnapshot() }
	s.newTracker = func() (fwk.ResourceClaimTracker, func(*resourceapi.ResourceClaim)) {
		claims := dra.NewClaims()
		return claims, func(claim *resourceapi.ResourceClaim) { claims.OnAdd(claim, false) }
	}
	var err error
	report := func(_ context.Context, _, new *corev1.Pod) error { s.reported = new; return nil }
	args := &configv1.DynamicResourcesArgs{FilterTimeout: &metav1.Duration{Duration: filterTimeout}}
	if s.plugin, err = dynamicresources.Factory(report)(t.Context(), args, s); err != nil {
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

func theirSide(t *testing.T, filterTimeout time.Duration) *side {
	t.Helper()
	upstreammetrics.Register()
	gates := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	s := newSide()
	s.newState = func() fwk.CycleState { return upstream.NewCycleState() }
	s.takeOn = func(w *world) { s.snapshot = w.theirSnapshot() }
	tracker, err := slicetracker.StartTracker(t.Context(), slicetracker.Options{SliceInformer: s.factory.Resource().V1().ResourceSlices()})
	if err != nil {
		t.Fatal(err)
	}
	s.newTracker = func() (fwk.ResourceClaimTracker, func(*resourceapi.ResourceClaim)) {
		claims := assumecache.NewAssumeCache(klog.Background(), nil, "ResourceClaim", "", nil)
		manager := upstreamdra.NewDRAManager(t.Context(), claims, tracker, s.factory)
		return manager.ResourceClaims(), func(claim *resourceapi.ResourceClaim) { assumecache.AddTestObject(claims, claim) }
	}
	args := &config.DynamicResourcesArgs{FilterTimeout: &metav1.Duration{Duration: filterTimeout}}
	if s.plugin, err = upstreamdra.New(t.Context(), args, s, gates); err != nil {
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

// enter puts a side into a world.
func (s *side) enter(t *testing.T, w *world, d *devices) {
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
func (s *side) serve(w *world, d *devices, show func(*resourceapi.ResourceClaim)) *fake.Clientset {
	objects := []runtime.Object{w.pod.DeepCopy()}
	for _, claim := range d.claims {
		objects = append(objects, claim.DeepCopy())
	}
	server := fake.NewSimpleClientset(objects...) //nolint:staticcheck // No field managers are needed, which take long.
	server.PrependReactor("create", "resourceclaims", func(action clienttesting.Action) (bool, runtime.Object, error) {
		claim := action.(clienttesting.CreateAction).GetObject().(*resourceapi.ResourceClaim).DeepCopy()
		claim.Name, claim.UID, claim.ResourceVersion = "made", "made-uid", "11"
		show(claim)
		return true, claim, server.Tracker().Create(action.GetResource(), claim, claim.Namespace)
	})
	return server
}

// story is everything that a side does with the pod of a world.
type story struct {
	PreEnqueue, PreFilter, PostFilter, Reserve, Flight, PreBind verdict
	Filter                                                      map[string]verdict
	Scores, Normalized                                          map[string]int64
	// Signalled are the claims that Reserve allocates. Written, Kept and GivenBack are all claims in the API after PreBind,
	// after a late failure, and after PostFilter.
	Signalled, Written, Kept, GivenBack []string
	Taken                               []string
	Mappings                            string
	Hints                               map[string]string
	Fit                                 observed
	FitSigned                           verdict
	// unbindable says that upstream cannot bind such a pod: it makes a claim without requests where a node has the extended
	// resources itself and the pod has other claims.
	unbindable bool
	// freed are the claims that PostFilter took the devices from. Of several idle ones, upstream takes any.
	freed []string
}

func (s *side) tell(t *testing.T, w *world, d *devices, seed uint64) story {
	t.Helper()
	s.enter(t, w, d)
	ctx, state := t.Context(), s.newState()
	nodes := nodesOf(t, w, s.snapshot)
	o := story{Filter: map[string]verdict{}, Scores: map[string]int64{}, Normalized: map[string]int64{}, Hints: map[string]string{}}
	o.PreEnqueue = verdictOf(s.plugin.(fwk.PreEnqueuePlugin).PreEnqueue(ctx, w.pod))
	o.hints(t, w, d, s)
	o.fit(ctx, w, d, s, nodes)
	_, status := s.plugin.(fwk.PreFilterPlugin).PreFilter(ctx, state, w.pod, nodes)
	o.PreFilter = verdictOf(status)
	var feasible []fwk.NodeInfo
	if status.IsSuccess() {
		for _, node := range nodes {
			status := s.plugin.(fwk.FilterPlugin).Filter(ctx, state, w.pod, node)
			if o.Filter[node.Node().Name] = verdictOf(status); status.IsSuccess() {
				feasible = append(feasible, node)
			}
		}
	}
	if len(feasible) == 0 {
		_, status := s.plugin.(fwk.PostFilterPlugin).PostFilter(ctx, state, w.pod, nil)
		o.PostFilter = verdictOf(status)
		o.GivenBack = s.claims(t, d)
		o.freed = s.freed(t, d)
		return o
	}
	o.score(ctx, w, s, state, feasible)
	o.place(t, w, d, s, state, feasible[int(seed)%len(feasible)].Node().Name, seed)
	return o
}

func nodesOf(t *testing.T, w *world, snapshot fwk.SharedLister) []fwk.NodeInfo {
	t.Helper()
	var nodes []fwk.NodeInfo
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, info)
	}
	return nodes
}

func (o *story) score(ctx context.Context, w *world, s *side, state fwk.CycleState, nodes []fwk.NodeInfo) {
	var list fwk.NodeScoreList
	for _, node := range nodes {
		score, status := s.plugin.(fwk.ScorePlugin).Score(ctx, state, w.pod, node)
		if !status.IsSuccess() {
			score = -1
		}
		o.Scores[node.Node().Name] = score
		list = append(list, fwk.NodeScore{Name: node.Node().Name, Score: score})
	}
	s.plugin.(fwk.ScorePlugin).ScoreExtensions().NormalizeScore(ctx, state, w.pod, list)
	for _, score := range list {
		o.Normalized[score.Name] = score.Score
	}
}

// place reserves and binds, and every third time fails late.
func (o *story) place(t *testing.T, w *world, d *devices, s *side, state fwk.CycleState, node string, seed uint64) {
	t.Helper()
	ctx := t.Context()
	o.Reserve = verdictOf(s.plugin.(fwk.ReservePlugin).Reserve(ctx, state, w.pod, node))
	for _, claim := range s.known.signalled {
		if claim.Name == dra.Unnamed && len(claim.Status.Allocation.Devices.Results) == 0 {
			o.unbindable = true
			continue
		}
		o.Signalled = append(o.Signalled, d.text(claim))
	}
	o.Taken = s.taken(t)
	if o.Reserve.Code == "Success" && !s.waits(d, w) {
		_, status := s.plugin.(fwk.PreBindPlugin).PreBindPreFlight(ctx, state, w.pod, node)
		o.Flight = verdictOf(status)
		o.PreBind = verdictOf(s.plugin.(fwk.PreBindPlugin).PreBind(ctx, state, w.pod, node))
		o.Written = s.claims(t, d)
		o.Mappings = s.mappings(t, w)
	}
	if o.PreBind.Code != "Success" || seed%3 == 0 {
		s.plugin.(fwk.ReservePlugin).Unreserve(ctx, state, w.pod, node)
		o.Kept = s.claims(t, d)
	}
	for _, claim := range s.known.signalled {
		if s.known.GetPendingAllocation(claim.UID) != nil {
			o.Kept = append(o.Kept, "pending: "+claim.Name)
		}
	}
}

// waits reports whether PreBind would wait for devices, which nobody in this world attaches.
func (s *side) waits(d *devices, w *world) bool {
	for _, claim := range append(slices.Clone(d.claims), s.known.signalled...) {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			status := slices.IndexFunc(claim.Status.Devices, func(status resourceapi.AllocatedDeviceStatus) bool {
				return status.Driver == result.Driver && status.Pool == result.Pool && status.Device == result.Device
			})
			if len(result.BindingConditions) > 0 &&
				(status < 0 || !meta.IsStatusConditionTrue(claim.Status.Devices[status].Conditions, attached)) {
				return true
			}
		}
	}
	return false
}

func (s *side) taken(t *testing.T) []string {
	t.Helper()
	state, err := s.known.GatherAllocatedState()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for id := range state.AllocatedDevices {
		all = append(all, id.String())
	}
	for id := range state.AllocatedSharedDeviceIDs {
		all = append(all, "shared "+id.GetDeviceID().String())
	}
	for id, capacity := range state.AggregatedCapacity {
		for name, amount := range capacity {
			all = append(all, fmt.Sprintf("%s of %s of %s", amount, name, id))
		}
	}
	slices.Sort(all)
	return all
}

// claims are those in the API.
func (s *side) claims(t *testing.T, d *devices) []string {
	t.Helper()
	if s.client.made == nil {
		return nil
	}
	list, err := s.client.ResourceV1().ResourceClaims("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range list.Items {
		all = append(all, d.text(&list.Items[i]))
	}
	slices.Sort(all)
	return all
}

// freed are the claims of the world that have lost their devices.
func (s *side) freed(t *testing.T, d *devices) []string {
	t.Helper()
	if s.client.made == nil {
		return nil
	}
	list, err := s.client.ResourceV1().ResourceClaims("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, claim := range list.Items {
		was := slices.IndexFunc(d.claims, func(c *resourceapi.ResourceClaim) bool { return c.UID == claim.UID })
		if d.claims[was].Status.Allocation != nil && claim.Status.Allocation == nil {
			names = append(names, claim.Name)
		}
	}
	return names
}

// idle reports whether nobody but the pod may use a claim.
func (d *devices) idle(name string, pod *corev1.Pod) bool {
	return slices.ContainsFunc(d.claims, func(claim *resourceapi.ResourceClaim) bool {
		users := claim.Status.ReservedFor
		return claim.Name == name && (len(users) == 0 || len(users) == 1 && users[0].UID == pod.UID)
	})
}

func (s *side) mappings(t *testing.T, w *world) string {
	t.Helper()
	pod := s.reported
	if pod == nil {
		if s.client.made == nil {
			return ""
		}
		var err error
		if pod, err = s.client.CoreV1().Pods(w.pod.Namespace).Get(t.Context(), w.pod.Name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if pod.Status.ExtendedResourceClaimStatus == nil {
		return ""
	}
	return asText(pod.Status.ExtendedResourceClaimStatus)
}

var generated = regexp.MustCompile(`"shareID":"[0-9a-f-]{36}"`)

// text is a claim without what is made up or measured anew each time.
func (d *devices) text(claim *resourceapi.ResourceClaim) string {
	claim = claim.DeepCopy()
	if claim.Name == dra.Unnamed {
		claim.UID = ""
	}
	if allocation := claim.Status.Allocation; allocation != nil && allocation.AllocationTimestamp != nil &&
		allocation.AllocationTimestamp.After(d.now.Add(-10*time.Second)) {
		allocation.AllocationTimestamp = nil
	}
	return generated.ReplaceAllString(asText(claim), `"shareID":"generated"`)
}

func asText(object any) string {
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// hints asks what changes of claims, and of the pod, mean to the pod.
func (o *story) hints(t *testing.T, w *world, d *devices, s *side) {
	t.Helper()
	registered, err := s.plugin.(fwk.EnqueueExtensions).EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	without := w.pod.DeepCopy()
	without.Status.ResourceClaimStatuses = nil
	for _, event := range registered {
		label := fmt.Sprintf("%s %d", event.Event.Resource, event.Event.ActionType)
		o.Hints[label] = "registered"
		var changes []change
		switch event.Event.Resource {
		case fwk.ResourceClaim:
			for _, claim := range d.claims {
				free, used := claim.DeepCopy(), claim.DeepCopy()
				free.Status = resourceapi.ResourceClaimStatus{}
				used.Status.ReservedFor = append(used.Status.ReservedFor, user("new"))
				changes = append(changes, change{nil, claim}, change{claim, nil}, change{claim, free}, change{free, claim}, change{claim, used},
					change{claim, claim.DeepCopy()}, change{toolscache.DeletedFinalStateUnknown{Obj: claim}, nil})
			}
		case fwk.TargetPod:
			changes = []change{{without, w.pod}, {w.pod, without}}
		}
		for i, change := range changes {
			o.Hints[fmt.Sprintf("%s #%d", label, i)] = hint(event, w.pod, change)
		}
	}
}

// fit asks NodeResourcesFit, which leaves resources that devices stand for to DynamicResources.
func (o *story) fit(ctx context.Context, w *world, d *devices, s *side, nodes []fwk.NodeInfo) {
	o.Fit = observed{Filter: map[string]verdict{}}
	o.Fit.filter(ctx, w, s.fit, s.newState(), nodes)
	_, status := s.fit.(fwk.SignPlugin).SignPod(ctx, w.pod)
	o.FitSigned = verdictOf(status)
	registered, err := s.fit.(fwk.EnqueueExtensions).EventsToRegister(ctx)
	if err != nil {
		panic(err)
	}
	for _, event := range registered {
		var changes []change
		switch event.Event.Resource {
		case fwk.DeviceClass:
			for i, class := range d.classes {
				changes = append(changes, change{nil, class}, change{d.classes[(i+1)%len(d.classes)], class})
			}
		case fwk.Node:
			changes = w.changes(event.Event)
		}
		for i, change := range changes {
			o.Hints[fmt.Sprintf("Fit %s #%d", event.Event.Resource, i)] = hint(event, w.pod, change)
		}
	}
}

// TestPluginsAgreeWithUpstreamOnDevices tells each world's story from both sides, from PreEnqueue to a binding or its end.
func TestPluginsAgreeWithUpstreamOnDevices(t *testing.T) {
	ours, theirs := ourSide(t, 0), theirSide(t, 0)
	seen := map[string]int{}
	for seed := *first; seed < *first+deviceCases(); seed++ {
		w := newWorld(seed)
		d := withDevices(w)
		got, want := ours.tell(t, w, d, seed), theirs.tell(t, w, d, seed)
		want.forgive(&got, w, d)
		if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(story{})); diff != "" {
			t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
		}
		got.count(seen)
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[what], what)
	}
	if deviceCases() < 1000 {
		return
	}
	for _, what := range telling {
		if seen[what] == 0 {
			t.Errorf("no world led to %q, so that it was not compared", what)
		}
	}
}

// deviceCases is a third of the default, because these worlds take longer than others.
func deviceCases() uint64 {
	if set := flag.Lookup("differential.cases"); set.Value.String() == set.DefValue {
		return uint64(*cases) / 3
	}
	return uint64(*cases)
}

// telling are outcomes that a comparison is worth nothing without.
var telling = []string{
	"PreEnqueue UnschedulableAndUnresolvable: ResourceClaim X was not created for Pod X (Pod is not owner)",
	"PreEnqueue UnschedulableAndUnresolvable: could not find ResourceClaim X",
	"PreEnqueue UnschedulableAndUnresolvable: pod X, spec.resourceClaim X: none of the supported fields are set",
	"PreEnqueue UnschedulableAndUnresolvable: pod X: ResourceClaim not created yet",
	"PreEnqueue UnschedulableAndUnresolvable: resourceclaim X is being deleted",
	"PreFilter Error",
	"PreFilter Skip",
	"PreFilter UnschedulableAndUnresolvable: request X: device class gpu does not exist",
	"PreFilter UnschedulableAndUnresolvable: request X/X: device class gpu does not exist",
	"PreFilter UnschedulableAndUnresolvable: resource claim X is in the process of being allocated",
	"PreFilter UnschedulableAndUnresolvable: resource claim X, request X: unknown request type",
	"Filter Error",
	"Filter Success",
	"Filter UnschedulableAndUnresolvable: cannot allocate all claims",
	"Filter UnschedulableAndUnresolvable: cannot fit resource",
	"Filter UnschedulableAndUnresolvable: cannot schedule extended resource claim",
	"Filter UnschedulableAndUnresolvable: resourceclaim not available on the node",
	"PostFilter Unschedulable",
	"PostFilter Unschedulable: deallocation of ResourceClaim completed",
	"PostFilter Unschedulable: deletion of ResourceClaim completed",
	"Reserve Success",
	"PreBind Success",
	"Score above 0",
	"extended resources from devices",
}

// forgive takes out of both stories what may differ.
func (o *story) forgive(ours *story, w *world, d *devices) {
	if len(o.freed) == 1 && len(ours.freed) == 1 && d.idle(ours.freed[0], w.pod) {
		o.freed, o.GivenBack = ours.freed, ours.GivenBack
	}
	if o.unbindable {
		o.PreBind, o.Written, o.Kept, o.Mappings = ours.PreBind, ours.Written, ours.Kept, ours.Mappings
		ours.unbindable = true
	}
}

func (o *story) count(seen map[string]int) {
	for point, verdict := range map[string]verdict{
		"PreEnqueue": o.PreEnqueue, "PreFilter": o.PreFilter, "PostFilter": o.PostFilter, "Reserve": o.Reserve, "PreBind": o.PreBind,
	} {
		seen[point+" "+verdict.label()]++
	}
	for _, verdict := range o.Filter {
		seen["Filter "+verdict.label()]++
	}
	for _, verdict := range o.Fit.Filter {
		seen["Fit "+verdict.label()]++
	}
	if o.Mappings != "" {
		seen["extended resources from devices"]++
	}
	for _, score := range o.Scores {
		if score > 0 {
			seen["Score above 0"]++
		}
	}
}

var particular = regexp.MustCompile(`"[^"]*"|[a-z]+/[a-z0-9-]+|(own|other|req|sub|node)-[0-9]+|#[0-9]`)

func (v verdict) label() string {
	if len(v.Reasons) == 0 {
		return v.Code
	}
	return v.Code + ": " + particular.ReplaceAllString(v.Reasons[0], "X")
}
