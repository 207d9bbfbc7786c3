package plugins_test

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	upstreamnodevolumelimits "k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	upstreamvolumebinding "k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding"
	upstreamvolumerestrictions "k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumerestrictions"
	upstreamvolumezone "k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumezone"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/csi"
	"github.com/orrery-dev/orrery/scheduler/plugins/nodevolumelimits"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumebinding"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumerestrictions"
	"github.com/orrery-dev/orrery/scheduler/plugins/volumezone"
)

// volumePairs look at the volumes of pods.
var volumePairs = []pair{
	{name: "VolumeRestrictions", ours: volumerestrictions.New, upstream: upstreamvolumerestrictions.New, dress: dressVolumes},
	{name: "NodeVolumeLimits", ours: nodevolumelimits.New, upstream: upstreamnodevolumelimits.NewCSI, dress: dressVolumes},
	{name: "VolumeZone", ours: volumezone.New, upstream: upstreamvolumezone.New, dress: dressVolumes},
	{name: "VolumeBinding", ours: newBinding, upstream: newUpstreamBinding, args: bindingArgs, dress: dressVolumes},
}

func (h handle) SharedCSIManager() fwk.CSIManager { return csi.NewManager(h.informers) }
func (h handle) ClientSet() clientset.Interface   { return nil }

func bindingArgs(w *cluster) runtime.Object {
	args := &configv1.VolumeBindingArgs{BindTimeoutSeconds: ptr.To[int64](0)}
	args.Shape = []configv1.UtilizationShapePoint{{Utilization: w.Int32N(50), Score: w.Int32N(11)}}
	if w.chance(70) {
		args.Shape = append(args.Shape, configv1.UtilizationShapePoint{Utilization: 50 + w.Int32N(51), Score: w.Int32N(11)})
	}
	return args
}

func newBinding(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	plugin, err := volumebinding.Factory(nil)(ctx, args, handle)
	if err != nil {
		return nil, err
	}
	return silent{plugin.(binding)}, nil
}

func newUpstreamBinding(ctx context.Context, args runtime.Object, handle fwk.Handle, features feature.Features) (fwk.Plugin, error) {
	plugin, err := upstreamvolumebinding.New(ctx, args, handle, features)
	if err != nil {
		return nil, err
	}
	return silent{plugin.(binding)}, nil
}

// binding is what the plugin VolumeBinding is.
type binding interface {
	fwk.PreFilterPlugin
	fwk.FilterPlugin
	fwk.PreScorePlugin
	fwk.ScorePlugin
	fwk.ReservePlugin
	fwk.PreBindPlugin
	fwk.EnqueueExtensions
	fwk.SignPlugin
}

// silent takes a score of 0 for every node for what it is: no score. Kube-scheduler's plugin gives it to pods without
// volumes to choose; ours skips them.
type silent struct{ binding }

func (s silent) PreScore(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) *fwk.Status {
	if _, err := state.Read(volumebinding.Name); err != nil {
		return fwk.NewStatus(fwk.Skip) // The pod was refused, and gets no scores.
	}
	status := s.binding.PreScore(ctx, state, pod, nodes)
	if !status.IsSuccess() {
		return status
	}
	for _, node := range nodes {
		if score, status := s.Score(ctx, state, pod, node); score != 0 || !status.IsSuccess() {
			return nil
		}
	}
	return fwk.NewStatus(fwk.Skip)
}
