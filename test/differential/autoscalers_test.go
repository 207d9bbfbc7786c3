package differential

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// autoscalerSubject is what autoscalers make of metrics, of which both sides are served the same. They have no memory that lasts: windows
// of stabilization are of no length, and policies count for half an hour.
var autoscalerSubject = subject{
	name:  "HorizontalPodAutoscaler",
	quiet: 4 * resyncMetrics,
	start: func(s *scenario) {
		n, t := int32(1+s.IntN(4)), template("web", "web:1")
		t.Spec.Containers[0].Resources.Requests = amounts("cpu=100m")
		var target client.Object
		switch s.IntN(4) {
		case 0:
			target = &appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &n, Selector: selects("web"), Template: t}}
		case 1:
			target = &appsv1.StatefulSet{ObjectMeta: s.meta(name), Spec: appsv1.StatefulSetSpec{Replicas: &n, Selector: selects("web"), Template: t, PodManagementPolicy: appsv1.ParallelPodManagement}}
		default:
			target = &appsv1.Deployment{ObjectMeta: s.meta(name), Spec: appsv1.DeploymentSpec{Replicas: &n, Selector: selects("web"), Template: t}}
		}
		s.target = target
		s.do(fmt.Sprintf("%s of %d is created", keyOf(target), n), creates(func() client.Object { return target.DeepCopyObject().(client.Object) }))
		if s.chance(70) {
			s.goOn()
		}
		autoscaler, what := s.autoscaler()
		s.begin(what, autoscaler)
	},
	moves: []move{
		{6, func(s *scenario) bool {
			return s.measures(func(l *load) { l.cpu = s.draw(-1, 0, 10, 40, 52, 70, 100, 250) })
		}},
		{4, func(s *scenario) bool {
			return s.measures(func(l *load) { l.custom = s.draw(-1, 0, 1000, 5000, 10500, 30000) })
		}},
		{4, func(s *scenario) bool {
			return s.measures(func(l *load) { l.external = s.draw(-1, 0, 1000, 9000, 20000, 60000) })
		}},
		{6, (*scenario).goesOn},
		{3, happens(lives)},
		{2, happens(isUnready)},
		{2, happens(fails)},
		{2, happens(isDeleted)},
		{2, func(s *scenario) bool {
			n := int32(s.IntN(6))
			return s.editNamed(keyOf(s.target), fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
		}},
		{2, func(s *scenario) bool {
			least, most := s.bounds()
			return s.edit("HorizontalPodAutoscaler", fmt.Sprintf("is to have %d to %d", *least, most), func(obj client.Object) {
				spec := &obj.(*autoscalingv2.HorizontalPodAutoscaler).Spec
				spec.MinReplicas, spec.MaxReplicas = least, most
			})
		}},
		{2, func(s *scenario) bool {
			metrics, what := s.metrics()
			return s.edit("HorizontalPodAutoscaler", "goes by "+what, func(obj client.Object) { obj.(*autoscalingv2.HorizontalPodAutoscaler).Spec.Metrics = metrics })
		}},
		{1, func(s *scenario) bool {
			if s.now.objects[keyOf(s.target)] == nil {
				s.do(keyOf(s.target)+" is created once more", creates(func() client.Object { return s.target.DeepCopyObject().(client.Object) }))
				return true
			}
			s.do(keyOf(s.target)+" is deleted", deletes(keyOf(s.target), metav1.DeletePropagationBackground))
			return true
		}},
		{1, restarts},
		{3, beginsAnew},
		{1, deletesIt("HorizontalPodAutoscaler", metav1.DeletePropagationBackground)},
	},
}

// draw is one of some numbers.
func (s *scenario) draw(numbers ...int64) int64 { return numbers[s.IntN(len(numbers))] }

func (s *scenario) autoscaler() (*autoscalingv2.HorizontalPodAutoscaler, string) {
	metrics, what := s.metrics()
	least, most := s.bounds()
	kind, err := kindOfObject(s.target)
	if err != nil {
		s.t.Fatal(err)
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: s.meta(name), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: name},
		MinReplicas:    least, MaxReplicas: most, Metrics: metrics, Behavior: s.behavior(),
	}}
	what = fmt.Sprintf("an autoscaler is created, of %d to %d by %s", *least, most, what)
	if policies := h.Spec.Behavior.ScaleUp; policies != nil {
		what += fmt.Sprintf(", up by %d %s at once", policies.Policies[0].Value, policies.Policies[0].Type)
	}
	return h, what
}

func (s *scenario) bounds() (least *int32, most int32) {
	n := int32(1 + s.IntN(3))
	return &n, n + int32(s.IntN(6))
}

// behavior has no window, so that nothing depends on what was recommended how long ago.
func (s *scenario) behavior() *autoscalingv2.HorizontalPodAutoscalerBehavior {
	b := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: ptr.To(int32(0))}}
	long := int32((30 * time.Minute).Seconds())
	if s.chance(30) {
		b.ScaleUp = &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: int32(1 + s.IntN(3)), PeriodSeconds: long}}}
	}
	if s.chance(30) {
		b.ScaleDown.Policies = []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: int32(1 + s.IntN(3)), PeriodSeconds: long}}
	}
	if s.chance(10) {
		disabled := autoscalingv2.DisabledPolicySelect
		b.ScaleDown.SelectPolicy = &disabled
	}
	return b
}

// metrics draws one or two.
func (s *scenario) metrics() ([]autoscalingv2.MetricSpec, string) {
	half, part := int32(50), milli(50)
	all := map[string]autoscalingv2.MetricSpec{
		"half of the CPU": {Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &half},
		}},
		"50m CPUs": {Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: part},
		}},
		"half of the main container's CPU": {Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: corev1.ResourceCPU, Container: "main", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &half},
		}},
		"requests": {Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "requests"}, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(5000)},
		}},
		"a queue": {Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: milli(9000)},
		}},
		"a queue's part": {Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(4000)},
		}},
	}
	first := s.some(sortedKeys(all))
	specs, what := []autoscalingv2.MetricSpec{all[first]}, first
	if s.chance(40) {
		if second := s.some(sortedKeys(all)); all[second].Type != all[first].Type {
			specs, what = append(specs, all[second]), what+" and "+second
		}
	}
	return specs, what
}
