package horizontalpodautoscaler

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// TestTheLoadIsShared lets a load come and go, users scale, and the autoscaler be changed, under both namings: the autoscaler asks for
// no more and no fewer than it may, and in the end each pod has its share.
func TestTheLoadIsShared(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		busy := &busyness{}
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{busy.loop()},
			Start: func(t *rapid.T) []client.Object {
				hpa := scaler(scheme, 10)
				if rapid.Bool().Draw(t, "behavior") {
					hpa.Spec.Behavior = carefully()
				}
				return []client.Object{hpa, loaded(200), podOf(1)}
			},
			Prepare:     busy.in,
			Change:      loadOrScale,
			Environment: replicate,
			Invariants:  []looptest.Invariant{withinBounds},
			Converged:   isShared,
		})
	})
}

// Each pod asks for 100m, of which it shall use half.
const each = 50

// scaler is an autoscaler that keeps up to so many pods at half of what they ask for.
func scaler(scheme *runtime.Scheme, most int32) *oautoscalingv2.HorizontalPodAutoscaler {
	return gen.HorizontalPodAutoscaler("web", most, func(hpa *oautoscalingv2.HorizontalPodAutoscaler) {
		hpa.UID = "scaler"
		hpa.Spec.Metrics[0].Resource.Target.AverageUtilization = new(int32(each))
		kind, err := apiutil.GVKForObject(&oappsv1.Deployment{}, scheme)
		if err != nil {
			panic(err)
		}
		hpa.Spec.ScaleTargetRef.APIVersion = kind.GroupVersion().String()
	})
}

// carefully is a behavior that adds two and takes one away at a time, the latter after 20 s.
func carefully() *autoscalingv2.HorizontalPodAutoscalerBehavior {
	by := func(pods, window int32) *autoscalingv2.HPAScalingRules {
		return &autoscalingv2.HPAScalingRules{
			StabilizationWindowSeconds: &window,
			Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: pods, PeriodSeconds: 15}},
		}
	}
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: by(2, 0), ScaleDown: by(1, 20)}
}

// annotationLoad is how much CPU all pods of a Deployment use together, in thousandths.
const annotationLoad = "example.org/load"

func loaded(load int) *oappsv1.Deployment {
	d := gen.Deployment("web", gen.Replicas(1))
	d.Status.Replicas = 1
	d.Annotations = map[string]string{annotationLoad: strconv.Itoa(load)}
	return d
}

func loadOf(d *oappsv1.Deployment) int64 {
	load, _ := strconv.ParseInt(d.Annotations[annotationLoad], 10, 64)
	return load
}

func deploymentIn(w *looptest.World) *oappsv1.Deployment {
	return looptest.All[*oappsv1.Deployment](w)[0]
}

// busyness is a metrics API that measures the pods of a world: each has its share of the load.
type busyness struct {
	metricsv1beta1.PodMetricsInterface
	world *looptest.World
}

func (b *busyness) in(w *looptest.World) { b.world = w }

// loop is one that goes by it, and lets what was recommended count for half a minute.
func (b *busyness) loop() loop.Loop {
	return Loop(Options{Resource: b, DownscaleStabilization: 30 * time.Second})
}

func (b *busyness) PodMetricses(string) metricsv1beta1.PodMetricsInterface { return b }

func (b *busyness) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	pods, list := looptest.All[*ocorev1.Pod](b.world), &metricsapi.PodMetricsList{}
	for _, pod := range pods {
		share := resource.NewMilliQuantity(loadOf(deploymentIn(b.world))/int64(len(pods)), resource.DecimalSI)
		list.Items = append(list.Items, metricsapi.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Timestamp: metav1.NewTime(b.world.Now()),
			Containers: []metricsapi.ContainerMetrics{{Name: "app", Usage: corev1.ResourceList{corev1.ResourceCPU: *share}}},
		})
	}
	return list, nil
}

// loadOrScale changes the load, scales by hand, or changes how many there may be.
func loadOrScale(t *rapid.T, w *looptest.World) {
	n := rapid.IntRange(1, most).Draw(t, "n")
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		looptest.Edit(w, "user", deploymentIn(w), func(d *oappsv1.Deployment) { d.Spec.Replicas = new(int32(n)) })
	case 1:
		looptest.Edit(w, "user", looptest.All[*oautoscalingv2.HorizontalPodAutoscaler](w)[0], func(hpa *oautoscalingv2.HorizontalPodAutoscaler) {
			hpa.Spec.MaxReplicas = int32(n)
		})
	default:
		looptest.Edit(w, "user", deploymentIn(w), func(d *oappsv1.Deployment) { d.Annotations[annotationLoad] = strconv.Itoa(n * each) })
	}
}

// podOf is the pod of a number, which has been ready for long.
func podOf(n int32) *ocorev1.Pod {
	long := metav1.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	return gen.Pod(fmt.Sprintf("web-%d", n), gen.Labelled("app", "web"), gen.Ready(long), func(pod *ocorev1.Pod) {
		pod.Status.StartTime = &long
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	})
}

// replicate brings a pod, or takes one away, until there are as many as the Deployment asks for.
func replicate(w *looptest.World, _ func(int) int) bool {
	d := deploymentIn(w)
	wanted, has := *d.Spec.Replicas, int32(len(looptest.All[*ocorev1.Pod](w)))
	if has < wanted {
		has++
		w.Put(podOf(has))
	} else if has > wanted {
		if err := w.Client("deployment").Delete(context.Background(), podOf(has)); err != nil {
			panic(err)
		}
		has--
	}
	if has == d.Status.Replicas {
		return false
	}
	looptest.Edit(w, "deployment", d, func(d *oappsv1.Deployment) { d.Status.Replicas = has })
	return true
}

// most is how many replicas there may ever be.
const most = 12

// withinBounds is that the autoscaler asks for no replicas that nobody ever let it ask for. What it reads may be old.
func withinBounds(w *looptest.World, wrote looptest.Write) error {
	if n := *deploymentIn(w).Spec.Replicas; wrote.Verb == "update/scale" && (n < 1 || n > most) {
		return fmt.Errorf("%d replicas are asked for, of 1 to %d", n, most)
	}
	return nil
}

// isShared is that each pod uses what it shall, or that there may be no more.
func isShared(w *looptest.World) error {
	d, hpa := deploymentIn(w), looptest.All[*oautoscalingv2.HorizontalPodAutoscaler](w)[0]
	n := int64(*d.Spec.Replicas)
	percent := loadOf(d) / n // of 100m
	if n != int64(hpa.Spec.MaxReplicas) && (percent < each*9/10 || percent > each*11/10) || n == int64(hpa.Spec.MaxReplicas) && percent < each*9/10 {
		return fmt.Errorf("%d pods are at %d%%, and shall be at %d%%", n, percent, each)
	}
	if hpa.Status.DesiredReplicas != int32(n) || hpa.Status.CurrentReplicas != int32(n) {
		return fmt.Errorf("of %d replicas the status says %+v", n, hpa.Status)
	}
	return nil
}
