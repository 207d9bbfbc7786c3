package horizontalpodautoscaler

import (
	"fmt"
	"math/rand/v2"
	"time"

	oautoscalingv2 "github.com/orrery-dev/orrery/apis/autoscaling/v2"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	upstreamv2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
)

// draw draws autoscalers, pods and what is measured of them.
type draw struct {
	*rand.Rand
	// period is that of all policies. With several, Kubernetes forgets what it needs: see doc.go.
	period int32
}

// once is true once in n times.
func (d draw) once(n int) bool { return d.IntN(n) == 0 }

func oneOf[T any](d draw, values ...T) T { return values[d.IntN(len(values))] }

// autoscaler draws an autoscaler as the API server accepts it, with its defaults.
func (d draw) autoscaler() *oautoscalingv2.HorizontalPodAutoscaler {
	hpa := gen.HorizontalPodAutoscaler("web", 1+int32(d.IntN(20)))
	hpa.Spec.MinReplicas = new(1 + int32(d.IntN(int(hpa.Spec.MaxReplicas))))
	if d.once(2) {
		hpa.Spec.MinReplicas = new(int32(1))
	}
	hpa.UID, hpa.Spec.Metrics = "scaler", nil // no two objects have the same UID
	for range 1 + d.IntN(3) {
		hpa.Spec.Metrics = append(hpa.Spec.Metrics, d.metric())
	}
	if hasValues(hpa) && d.once(2) {
		hpa.Spec.MinReplicas = new(int32(0))
	}
	if !d.once(3) {
		hpa.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: d.rules(), ScaleDown: d.rules()}
	}
	upstreamv2.SetDefaults_HorizontalPodAutoscalerBehavior((*autoscalingv2.HorizontalPodAutoscaler)(hpa))
	return hpa
}

func (d draw) rules() *autoscalingv2.HPAScalingRules {
	if d.once(4) {
		return nil
	}
	r := &autoscalingv2.HPAScalingRules{}
	if !d.once(3) {
		r.StabilizationWindowSeconds = new(oneOf[int32](d, 0, 15, 30, 60, 100, 300))
	}
	if !d.once(3) {
		r.SelectPolicy = new(oneOf(d, autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.MaxChangePolicySelect, autoscalingv2.DisabledPolicySelect))
	}
	if d.once(4) {
		r.Tolerance = new(resource.MustParse(oneOf(d, "0", "0.05", "0.3")))
	}
	if !d.once(3) {
		for range 1 + d.IntN(2) {
			r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{
				Type: oneOf(d, autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy), Value: oneOf[int32](d, 1, 2, 5, 10, 50, 100, 200), PeriodSeconds: d.period,
			})
		}
	}
	return r
}

func (d draw) metric() autoscalingv2.MetricSpec {
	value := func() *resource.Quantity {
		return resource.NewMilliQuantity(int64(1+d.IntN(200))*50, resource.DecimalSI)
	}
	target := func() autoscalingv2.MetricTarget {
		if d.once(2) {
			return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: value()}
		}
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: value()}
	}
	name := oneOf(d, corev1.ResourceCPU, corev1.ResourceCPU, corev1.ResourceMemory)
	use := func() autoscalingv2.MetricTarget {
		switch {
		case !d.once(3):
			return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(1 + int32(d.IntN(150)))}
		case name == corev1.ResourceMemory:
			return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewQuantity(int64(1+d.IntN(300))<<20, resource.BinarySI)}
		default:
			return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: value()}
		}
	}
	switch d.IntN(6) {
	case 0:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: name, Container: oneOf(d, "app", "app", "app", "none"), Target: use(),
		}}
	case 1:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "rate"}, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: value()},
		}}
	case 2:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: oneOf(d,
				autoscalingv2.CrossVersionObjectReference{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: "main"},
				autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "other"}),
			Metric: autoscalingv2.MetricIdentifier{Name: "rate", Selector: oneOf(d, nil, &metav1.LabelSelector{MatchLabels: map[string]string{"verb": "GET"}})}, Target: target(),
		}}
	case 3:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue", Selector: oneOf(d, nil, &metav1.LabelSelector{MatchLabels: map[string]string{"queue": "a"}})}, Target: target(),
		}}
	default:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: name, Target: use()}}
	}
}

// pods lets some pods live on, and has as many of them as there shall be; sometimes not yet.
func (d draw) pods(pods []*corev1.Pod, replicas int32) []*corev1.Pod {
	for len(pods) > int(replicas) {
		pods = pods[1:]
	}
	for len(pods) < int(replicas) && !d.once(20) {
		pods = append(pods, d.pod())
	}
	next := make([]*corev1.Pod, len(pods))
	for i, pod := range pods {
		next[i] = pod.DeepCopy()
		d.live(next[i])
	}
	return next
}

// pod is a new one. Its name is drawn, so that no two are the same.
func (d draw) pod() *corev1.Pod {
	pod := gen.Pod(fmt.Sprintf("web-%x", d.Uint64()), gen.Labelled("app", "web"))
	pod.CreationTimestamp = metav1.NewTime(time.Now())
	ask := func(cpu int64) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(cpu, resource.DecimalSI), corev1.ResourceMemory: resource.MustParse("100Mi")}
	}
	pod.Spec.Containers[0].Resources.Requests = ask(100)
	if d.once(200) {
		pod.Spec.Containers[0].Resources.Requests = nil
	}
	if d.once(5) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "log", Resources: corev1.ResourceRequirements{Requests: ask(20)}})
	}
	if d.once(5) {
		pod.Spec.InitContainers = []corev1.Container{
			{Name: "mesh", RestartPolicy: new(corev1.ContainerRestartPolicyAlways), Resources: corev1.ResourceRequirements{Requests: ask(30)}}, {Name: "once"},
		}
	}
	if d.once(10) {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: ask(250)}
	}
	return (*corev1.Pod)(pod)
}

// live is what may happen to a pod in a while.
func (d draw) live(pod *corev1.Pod) {
	now := metav1.NewTime(time.Now())
	if pod.Status.Phase == corev1.PodPending && !d.once(3) {
		pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, new(metav1.NewTime(now.Add(-time.Duration(d.IntN(600))*time.Second)))
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: *pod.Status.StartTime}}
	}
	if len(pod.Status.Conditions) > 0 && d.once(3) {
		status := oneOf(d, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionTrue, corev1.ConditionFalse)
		if ready := &pod.Status.Conditions[0]; ready.Status != status {
			ready.Status, ready.LastTransitionTime = status, now
		}
	}
	switch {
	case d.once(60):
		pod.Status.Phase = corev1.PodFailed
	case d.once(80):
		pod.DeletionTimestamp = &now
	}
}

// metrics draws what the APIs say of pods: of most, and of some that are gone.
func (d draw) metrics(s *served, pods []*corev1.Pod) {
	s.at, s.window = time.Now().Add(-time.Duration(d.IntN(60))*time.Second), time.Duration(d.IntN(90))*time.Second
	s.pods, s.custom, s.external = nil, nil, nil
	level := d.IntN(300)
	if !d.once(20) {
		s.pods = map[string]map[string]map[corev1.ResourceName]int64{}
		known := pods
		if d.once(10) {
			known = append(known[:len(known):len(known)], d.pod())
		}
		for _, pod := range known {
			if d.once(15) {
				continue
			}
			s.pods[pod.Name] = map[string]map[corev1.ResourceName]int64{}
			for _, c := range lasting(pod) {
				s.pods[pod.Name][c.Name] = map[corev1.ResourceName]int64{
					corev1.ResourceCPU: int64(level + d.IntN(50)), corev1.ResourceMemory: int64(level+d.IntN(50)) * 1 << 20 * 1000,
				}
				if d.once(60) {
					delete(s.pods[pod.Name][c.Name], corev1.ResourceCPU)
				}
			}
		}
	}
	if !d.once(20) {
		rates := map[string]int64{"Ingress/main": int64(d.IntN(40_000)), "Namespace/" + gen.Namespace: int64(d.IntN(40_000))}
		for _, pod := range pods {
			if !d.once(15) {
				rates["Pod/"+pod.Name] = int64(d.IntN(10_000))
			}
		}
		if d.once(20) {
			delete(rates, "Ingress/main")
		}
		s.custom = map[string]map[string]int64{"rate": rates}
	}
	if !d.once(20) {
		var values []int64
		for range d.IntN(4) {
			values = append(values, int64(d.IntN(40_000)))
		}
		s.external = map[string][]int64{"queue": values}
	}
}
