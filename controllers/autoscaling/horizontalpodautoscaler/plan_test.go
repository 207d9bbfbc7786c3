package horizontalpodautoscaler

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/scaletarget"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type autoscaler = oautoscalingv2.HorizontalPodAutoscaler

// scale is one to be read: what is asked for, and what there is.
type scale struct{ wanted, existing int64 }

func (s scale) SubResource(string) client.SubResourceReader { return s }

func (s scale) Get(_ context.Context, _, into client.Object, _ ...client.SubResourceGetOption) error {
	into.(*unstructured.Unstructured).Object = map[string]any{
		"metadata": map[string]any{"uid": "web", "resourceVersion": "1"}, "spec": map[string]any{"replicas": s.wanted},
		"status": map[string]any{"replicas": s.existing, "selector": "app=web"},
	}
	return nil
}

// of is a world with so many replicas, which are all there and ready since an hour.
func of(t *testing.T, replicas int, readings ...reading) world {
	t.Helper()
	target, err := scaletarget.Read(t.Context(), scale{int64(replicas), int64(replicas)}, gen.Namespace, scaletarget.Reference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	w := world{target: target, selector: labels.SelectorFromSet(labels.Set{"app": "web"}), readings: readings}
	for i := range replicas {
		w.pods = append(w.pods, (*corev1.Pod)(podOf(int32(i))))
	}
	return w
}

// using is what is read where each of n pods uses so much, in thousandths.
func using(n int, each int64) reading {
	r := reading{pods: map[string]sample{}}
	for i := range n {
		r.pods[fmt.Sprintf("web-%d", i)] = sample{each, gen.Now, time.Minute}
	}
	return r
}

// percent is an autoscaler of 1 to 10 replicas at half of the CPU that they ask for.
func percent(changes ...func(*autoscaler)) *autoscaler {
	return gen.HorizontalPodAutoscaler("web", 10, append([]func(*autoscaler){func(hpa *autoscaler) {
		hpa.Spec.Metrics[0].Resource.Target.AverageUtilization = new(int32(50))
	}}, changes...)...)
}

func by(metrics ...autoscalingv2.MetricSpec) func(*autoscaler) {
	return func(hpa *autoscaler) { hpa.Spec.Metrics = metrics }
}

func queueOf(target autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: target,
	}}
}

func value(quantity string) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse(quantity))}
}

func eachOf(quantity string) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: new(resource.MustParse(quantity))}
}

// least is minReplicas, and since then the autoscaler has scaled to zero itself.
func zero(hpa *autoscaler) {
	hpa.Spec.MinReplicas = new(int32(0))
	hpa.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScaledToZero, Status: corev1.ConditionTrue}}
}

// remembering is a world in which so many replicas were recommended some time ago.
func remembering(w world, replicas int32, ago time.Duration) world {
	w.memory = &memory{recommendations: []recommendation{{replicas, gen.Now.Add(-ago)}}}
	return w
}

func TestHowManyReplicas(t *testing.T) {
	without := func(w world, n int) world { // what is known of the first n pods
		for i := range n {
			delete(w.readings[0].pods, w.pods[i].Name)
		}
		return w
	}
	starting := func(w world, n int) world {
		for _, pod := range w.pods[:n] {
			pod.Status.Phase, pod.Status.Conditions = corev1.PodPending, nil
		}
		return w
	}
	slow := func(change func(*autoscalingv2.HPAScalingRules)) func(*autoscaler) {
		return func(hpa *autoscaler) {
			hpa.Spec.Behavior = carefully()
			change(hpa.Spec.Behavior.ScaleUp)
			change(hpa.Spec.Behavior.ScaleDown)
		}
	}
	for _, tt := range []struct {
		name string
		hpa  *autoscaler
		w    world
		want string
	}{
		{"more where each uses too much", percent(), of(t, 4, using(4, 80)), "7: cpu is at 80% of requests against a target of 50%: 4 replicas become 7"},
		{"none more than there may be", percent(func(hpa *autoscaler) { hpa.Spec.MaxReplicas = 6 }), of(t, 4, using(4, 80)), "6: cpu is at 80% of requests against a target of 50%: 4 replicas become 7, limited to 6 by maxReplicas"},
		{"twice as many at most", percent(), of(t, 4, using(4, 200)), "8: cpu is at 200% of requests against a target of 50%: 4 replicas become 16, limited to 8 by how fast it may be scaled up"},
		{"as many as there are within a tenth", percent(), of(t, 4, using(4, 54)), "4: cpu is at 54% of requests against a target of 50%: 4 replicas stay"},
		{"as many as there are within a tolerance of its own", percent(slow(func(r *autoscalingv2.HPAScalingRules) { r.Tolerance = new(resource.MustParse("0.7")) })), of(t, 4, using(4, 80)), "4: cpu is at 80% of requests against a target of 50%: 4 replicas stay"},
		{"fewer where each uses little, when nothing more was recommended of late", percent(), remembering(of(t, 4, using(4, 20)), 9, time.Hour), "2: cpu is at 20% of requests against a target of 50%: 4 replicas become 2"},
		{"no fewer than were recommended of late", percent(), remembering(of(t, 4, using(4, 20)), 3, time.Minute), "3: cpu is at 20% of requests against a target of 50%: 4 replicas become 2, held at 3 by what was recommended of late"},
		{"no fewer than there are, at first", percent(), of(t, 4, using(4, 20)), "4: cpu is at 20% of requests against a target of 50%: 4 replicas become 2, held at 4 by what was recommended of late"},
		{"two more at most where the behavior says so", percent(slow(func(*autoscalingv2.HPAScalingRules) {})), of(t, 4, using(4, 200)), "6: cpu is at 200% of requests against a target of 50%: 4 replicas become 16, limited to 6 by how fast it may be scaled up"},
		{"none more where the behavior forbids it", percent(slow(func(r *autoscalingv2.HPAScalingRules) { r.SelectPolicy = new(autoscalingv2.DisabledPolicySelect) })), of(t, 4, using(4, 200)), "4: cpu is at 200% of requests against a target of 50%: 4 replicas become 16, limited to 4 by how fast it may be scaled up"},
		{"fewer more where some are not known", percent(), without(of(t, 4, using(4, 80)), 1), "5: cpu is at 80% of requests against a target of 50%: 4 replicas become 5"},
		{"fewer more where some are not ready", percent(), starting(of(t, 4, using(4, 80)), 1), "5: cpu is at 80% of requests against a target of 50%: 4 replicas become 5"},
		{"fewer less where some are not known", percent(), remembering(without(of(t, 4, using(4, 10)), 1), 1, time.Hour), "3: cpu is at 10% of requests against a target of 50%: 4 replicas become 3"},
		{"as many as there are where what is not known could turn it round", percent(), without(of(t, 4, using(4, 60)), 3), "4: cpu is at 60% of requests against a target of 50%: 4 replicas stay"},
		{"what brings a value to its target", percent(by(queueOf(value("10")))), of(t, 2, reading{values: []int64{20_000, 10_000}}), "4: queue is at 30 against a target of 10: 2 replicas become 6, limited to 4 by how fast it may be scaled up"},
		{"what shares a value", percent(by(queueOf(eachOf("10")))), of(t, 2, reading{values: []int64{31_000}}), "4: queue is at 31, shared by 2 pods, against a target of 10 each: 2 replicas become 4"},
		{"the most that any metric asks for", percent(by(queueOf(value("10")), queueOf(eachOf("10")))), of(t, 2, reading{values: []int64{12_000}}, reading{values: []int64{40_000}}), "4: queue is at 40, shared by 2 pods, against a target of 10 each: 2 replicas become 4"},
		{"more though a metric cannot be read", percent(by(queueOf(value("10")), queueOf(eachOf("10")))), of(t, 2, reading{err: errors.New("down")}, reading{values: []int64{40_000}}), "4: queue is at 40, shared by 2 pods, against a target of 10 each: 2 replicas become 4"},
		{"no fewer where a metric cannot be read", percent(by(queueOf(value("10")), queueOf(eachOf("10")))), remembering(of(t, 2, reading{err: errors.New("down")}, reading{values: []int64{10_000}}), 1, time.Hour),
			"failed: invalid metrics (1 invalid out of 2), first error is: failed to get queue external metric value: failed to get external metric queue: down"},
		{"no more than maxReplicas, whatever is used", percent(), of(t, 12), "10: there are 12 replicas, and maxReplicas is 10"},
		{"no fewer than minReplicas, whatever is used", percent(func(hpa *autoscaler) { hpa.Spec.MinReplicas = new(int32(3)) }), of(t, 2), "3: there are 2 replicas, and minReplicas is 3"},
		{"none where somebody has scaled to zero", percent(), of(t, 0), "0: somebody has scaled the target to zero"},
		{"none where nothing is to do and that is allowed", percent(zero, by(queueOf(value("10")))), remembering(of(t, 1, reading{values: []int64{0}}), 0, time.Minute), "0: queue is at 0 against a target of 10: 1 replicas become 0"},
		{"some again when there is something to do", percent(zero, by(queueOf(value("10")))), of(t, 0, reading{values: []int64{11_000}}), "2: queue is at 11 against a target of 10: 0 replicas become 2"},
		{"at least minReplicas again when that is none no more", percent(zero, func(hpa *autoscaler) { hpa.Spec.MinReplicas = new(int32(3)) }, by(queueOf(value("10")))), remembering(of(t, 0, reading{values: []int64{0}}), 0, time.Hour),
			"3: queue is at 0 against a target of 10: 0 replicas stay, limited to 3 by minReplicas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := controller.decide(tt.hpa, tt.w, gen.Now)
			got := fmt.Sprintf("%d: %s", v.desired, v.because)
			if v.failed {
				got = "failed: " + v.because
			}
			if got != tt.want {
				t.Errorf("it decides\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

var controller = Controller{Options{}.withDefaults()}

func TestTurnsAreSpread(t *testing.T) {
	const period, many = 15 * time.Second, 1000
	seconds := map[int]int{}
	for i := range many {
		uid := types.UID(fmt.Sprintf("uid-%d", i))
		first := untilTurn(uid, period, gen.Now)
		if first < period/10 || first >= period+period/10 {
			t.Fatalf("the first turn of %s comes after %s", uid, first)
		}
		if again := untilTurn(uid, period, gen.Now.Add(first)); again != period {
			t.Fatalf("the second turn of %s comes %s after the first", uid, again)
		}
		seconds[int(first/time.Second)%15]++
	}
	for second, n := range seconds {
		if n < many/15/2 || n > many/15*2 {
			t.Errorf("%d of %d have their turn in second %d", n, many, second)
		}
	}
}
