package plugins_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/component-helpers/storage/volume"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	upstream "k8s.io/kubernetes/pkg/scheduler/framework"
	upstreamvolumebinding "k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"
	upstreamvolumerestrictions "k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumerestrictions"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumebinding"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumerestrictions"
)

// writes are what a plugin changed by the API server: the claims of volumes, and the nodes of claims. A write that
// changes nothing is none; kube-scheduler's plugin makes such.
type writes struct {
	cluster *cluster
	mutex   sync.Mutex
	Bound   map[string]string
	Asked   map[string]string
}

func newWrites(w *cluster) *writes {
	return &writes{cluster: w, Bound: map[string]string{}, Asked: map[string]string{}}
}

func (w *writes) bind(v *corev1.PersistentVolume) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if slices.ContainsFunc(w.cluster.objects, func(object runtime.Object) bool { return equality.Semantic.DeepEqual(object, v) }) {
		return
	}
	ref := v.Spec.ClaimRef
	w.Bound[v.Name] = fmt.Sprintf("%s/%s %s, by controller: %q", ref.Namespace, ref.Name, ref.UID, v.Annotations[volume.AnnBoundByController])
}

func (w *writes) ask(c *corev1.PersistentVolumeClaim) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.Asked[c.Namespace+"/"+c.Name] = c.Annotations[volume.AnnSelectedNode]
}

// Pod, Node, UpdateVolume and UpdateClaim make writes the API server of our plugin: one on which every pod has vanished.
func (*writes) Pod(string, string) *corev1.Pod { return nil }
func (*writes) Node(string) *corev1.Node       { return nil }

func (w *writes) UpdateVolume(_ context.Context, v *corev1.PersistentVolume) (*corev1.PersistentVolume, error) {
	w.bind(v)
	return v, nil
}

func (w *writes) UpdateClaim(_ context.Context, c *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	w.ask(c)
	return c, nil
}

// client is the same for upstream's plugin.
func (w *writes) client() clientset.Interface {
	client := &fake.Clientset{}
	client.AddReactor("update", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		object := action.(clienttesting.UpdateAction).GetObject()
		switch typed := object.(type) {
		case *corev1.PersistentVolume:
			w.bind(typed)
		case *corev1.PersistentVolumeClaim:
			w.ask(typed)
		}
		return true, object, nil
	})
	return client
}

type handleWithClient struct {
	handle
	client clientset.Interface
}

func (h handleWithClient) ClientSet() clientset.Interface { return h.client }

// reservation is what becomes of a pod on one of its nodes, and of the next pod meanwhile.
type reservation struct {
	Reserve, PreFlight   verdict
	NextWhile, NextAfter []string
	Bound, Asked         map[string]string
}

func TestVolumeBindingReservesAsUpstream(t *testing.T) {
	var bound, asked, refusedMeanwhile int
	for seed := *first; seed < *first+uint64(*cases); seed++ {
		w := newCluster(seed)
		dressVolumes(w)
		next := w.newPod("next")
		next.Spec.Volumes = w.pod.Spec.Volumes // They compete for the same.
		args := bindingArgs(w)
		converted, err := internal(args)
		if err != nil {
			t.Fatal(err)
		}
		node := w.nodes[w.IntN(len(w.nodes))].Name
		ourWrites, theirWrites := newWrites(w), newWrites(w)
		ours, err := volumebinding.Factory(ourWrites)(t.Context(), args, handle{snapshot: w.ourSnapshot(), informers: w.informers(t)})
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := upstreamvolumebinding.New(t.Context(), converted,
			handleWithClient{handle{snapshot: w.theirSnapshot(), informers: w.informers(t)}, theirWrites.client()}, features())
		if err != nil {
			t.Fatal(err)
		}
		newOurs := func() fwk.CycleState { return framework.NewCycleState(false) }
		newTheirs := func() fwk.CycleState { return upstream.NewCycleState() }
		got := reserve(t.Context(), w, ours.(binding), w.ourSnapshot(), newOurs, ourWrites, node, next)
		want := reserve(t.Context(), w, theirs.(binding), w.theirSnapshot(), newTheirs, theirWrites, node, next)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, node %s: upstream (-) and ours (+) differ:\n%s", seed, node, diff)
		}
		if got.PreFlight.Code == fwk.Success.String() {
			checkReserveWithoutFilter(t, w, args, node, got)
		}
		bound += len(got.Bound)
		asked += len(got.Asked)
		if !slices.Equal(got.NextWhile, got.NextAfter) {
			refusedMeanwhile++
		}
	}
	t.Logf("%d volumes bound, %d asked for, %d pods in the way of the next", bound, asked, refusedMeanwhile)
	if *cases >= 1000 && (bound < 50 || asked < 50 || refusedMeanwhile < 10) {
		t.Errorf("these clusters show too little: %d volumes bound, %d asked for, %d pods in the way of the next", bound, asked, refusedMeanwhile)
	}
}

// checkReserveWithoutFilter holds that our plugin reserves the same on a node that it has not been asked about: a cycle
// may know from elsewhere that the pod fits there.
func checkReserveWithoutFilter(t *testing.T, w *cluster, args runtime.Object, node string, want reservation) {
	t.Helper()
	done := newWrites(w)
	plugin, err := volumebinding.Factory(done)(t.Context(), args, handle{snapshot: w.ourSnapshot(), informers: w.informers(t)})
	if err != nil {
		t.Fatal(err)
	}
	asked, state := plugin.(binding), framework.NewCycleState(false)
	if _, status := asked.PreFilter(t.Context(), state, w.pod, nil); !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	if status := asked.Reserve(t.Context(), state, w.pod, node); !status.IsSuccess() {
		t.Fatalf("reserving without Filter: %v", status)
	}
	asked.PreBind(t.Context(), state, w.pod, node)
	if diff := cmp.Diff([]map[string]string{want.Bound, want.Asked}, []map[string]string{done.Bound, done.Asked}); diff != "" {
		t.Fatalf("with (-) and without (+) Filter differ on node %s:\n%s", node, diff)
	}
}

// reserve takes a pod through the plugin up to PreBind, on a node that it fits.
func reserve(ctx context.Context, w *cluster, plugin binding, snapshot fwk.SharedLister, newState func() fwk.CycleState, done *writes, node string, next *corev1.Pod) reservation {
	var r reservation
	state := newState()
	if !slices.Contains(fits(ctx, w, plugin, snapshot, state, w.pod), node) {
		return r
	}
	r.Reserve = verdictOf(plugin.Reserve(ctx, state, w.pod, node))
	r.NextWhile = fits(ctx, w, plugin, snapshot, newState(), next)
	plugin.Unreserve(ctx, state, w.pod, node)
	r.NextAfter = fits(ctx, w, plugin, snapshot, newState(), next)

	state = newState()
	fits(ctx, w, plugin, snapshot, state, w.pod)
	if status := plugin.Reserve(ctx, state, w.pod, node); !status.IsSuccess() {
		return r
	}
	_, status := plugin.PreBindPreFlight(ctx, state, w.pod, node)
	r.PreFlight = verdictOf(status)
	if status.IsSuccess() {
		plugin.PreBind(ctx, state, w.pod, node) // It cannot succeed: nobody binds here.
	}
	r.Bound, r.Asked = done.Bound, done.Asked
	return r
}

// fits returns the nodes that a pod fits, and why not the others.
func fits(ctx context.Context, w *cluster, plugin binding, snapshot fwk.SharedLister, state fwk.CycleState, pod *corev1.Pod) []string {
	_, status := plugin.PreFilter(ctx, state, pod, nil)
	if !status.IsSuccess() {
		return []string{fmt.Sprint(verdictOf(status))}
	}
	var found []string
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			panic(err)
		}
		if status := plugin.Filter(ctx, state, pod, info); status.IsSuccess() {
			found = append(found, node.Name)
		} else {
			found = append(found, fmt.Sprint(node.Name, ": ", verdictOf(status)))
		}
	}
	return found
}

// TestVolumeRestrictionsCountPodsAsUpstream takes pods away from nodes and puts them back, as preemption does.
func TestVolumeRestrictionsCountPodsAsUpstream(t *testing.T) {
	changed := 0
	for seed := *first; seed < *first+uint64(*cases); seed++ {
		w := newCluster(seed)
		dressVolumes(w)
		ours, err := volumerestrictions.New(t.Context(), nil, handle{snapshot: w.ourSnapshot(), informers: w.informers(t)})
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := upstreamvolumerestrictions.New(t.Context(), nil, handle{snapshot: w.theirSnapshot(), informers: w.informers(t)}, features())
		if err != nil {
			t.Fatal(err)
		}
		got := without(t, w, ours.(filterRun), w.ourSnapshot(), framework.NewCycleState(false))
		want := without(t, w, theirs.(filterRun), w.theirSnapshot(), upstream.NewCycleState())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: upstream (-) and ours (+) differ:\n%s", seed, diff)
		}
		if slices.ContainsFunc(got, func(v [2]verdict) bool { return v[0].Code != v[1].Code }) {
			changed++
		}
	}
	if *cases >= 1000 && changed < 20 {
		t.Errorf("a pod that leaves makes room in only %d of these clusters", changed)
	}
}

type filterRun interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
}

// without returns the verdict on each node without each of its pods in turn, and with the pod again.
func without(t *testing.T, w *cluster, plugin filterRun, snapshot fwk.SharedLister, state fwk.CycleState) [][2]verdict {
	t.Helper()
	if _, status := plugin.PreFilter(t.Context(), state, w.pod, nil); !status.IsSuccess() {
		return nil
	}
	var verdicts [][2]verdict
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range slices.Clone(info.GetPods()) {
			state, info := state.Clone(), info.Snapshot()
			if err := info.RemovePod(klog.Background(), other.GetPod()); err != nil {
				t.Fatal(err)
			}
			extensions := plugin.PreFilterExtensions()
			if status := extensions.RemovePod(t.Context(), state, w.pod, other, info); !status.IsSuccess() {
				t.Fatal(status.AsError())
			}
			alone := verdictOf(plugin.Filter(t.Context(), state, w.pod, info))
			info.AddPodInfo(other)
			if status := extensions.AddPod(t.Context(), state, w.pod, other, info); !status.IsSuccess() {
				t.Fatal(status.AsError())
			}
			verdicts = append(verdicts, [2]verdict{alone, verdictOf(plugin.Filter(t.Context(), state, w.pod, info))})
		}
	}
	return verdicts
}
