package horizontalpodautoscaler

import (
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// proposal is how many replicas one metric asks for.
type proposal struct {
	replicas int32
	// metric is what Kubernetes' conditions and events call it.
	metric string
	// level is a sentence about it, as "cpu is at 80% of requests against a target of 50%".
	level string
	// status is what the autoscaler's status says of it.
	status autoscalingv2.MetricStatus
}

// failure is why a metric asks for nothing.
type failure struct {
	// reason is that of the condition and the event about it, and cause what they say.
	reason string
	cause  error
	// err is what is said of it among all metrics.
	err error
}

// proposer makes something of the readings of one autoscaler.
type proposer struct {
	Controller
	world
	tolerance tolerance
	now       time.Time
}

// propose is what a metric asks for, or why it asks for nothing: one of them is nil.
func (p proposer) propose(metric autoscalingv2.MetricSpec, read reading) (*proposal, *failure) {
	switch {
	case metric.Type == autoscalingv2.ResourceMetricSourceType && metric.Resource != nil:
		return p.byResource(metric.Resource, read)
	case metric.Type == autoscalingv2.ContainerResourceMetricSourceType && metric.ContainerResource != nil:
		return p.byContainerResource(metric.ContainerResource, read)
	case metric.Type == autoscalingv2.PodsMetricSourceType && metric.Pods != nil:
		return p.byPods(metric.Pods, read)
	case metric.Type == autoscalingv2.ObjectMetricSourceType && metric.Object != nil:
		return p.byObject(metric.Object, read)
	case metric.Type == autoscalingv2.ExternalMetricSourceType && metric.External != nil:
		return p.byExternal(metric.External, read)
	default:
		err := mistake{fmt.Errorf("unknown metric source type %q", metric.Type)}
		return nil, &failure{reasonUnknownType, err, err}
	}
}

func (p proposer) byResource(source *autoscalingv2.ResourceMetricSource, read reading) (*proposal, *failure) {
	made, current, err := p.resource(source.Name, "", source.Target, read)
	if err != nil {
		return nil, &failure{reasonNoResource, err, fmt.Errorf("failed to get %s resource metric value: %w", source.Name, err)}
	}
	made.status = autoscalingv2.MetricStatus{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricStatus{Name: source.Name, Current: current},
	}
	return made, nil
}

func (p proposer) byContainerResource(source *autoscalingv2.ContainerResourceMetricSource, read reading) (*proposal, *failure) {
	made, current, err := p.resource(source.Name, source.Container, source.Target, read)
	if err != nil {
		return nil, &failure{reasonNoContainerResource, err, fmt.Errorf("failed to get %s container metric value: %w", source.Container, err)}
	}
	made.status = autoscalingv2.MetricStatus{
		Type:              autoscalingv2.ContainerResourceMetricSourceType,
		ContainerResource: &autoscalingv2.ContainerResourceMetricStatus{Name: source.Name, Container: source.Container, Current: current},
	}
	return made, nil
}

// resource is what the use of a resource asks for, by whole pods or by one container of each.
func (p proposer) resource(name corev1.ResourceName, container string, target autoscalingv2.MetricTarget, read reading) (*proposal, autoscalingv2.MetricValueStatus, error) {
	what := string(name)
	if container != "" {
		what += " of container " + container
	}
	switch {
	case target.AverageValue != nil:
		made, each, err := p.byAverage(name, target.AverageValue.MilliValue(), read)
		if err != nil {
			return nil, autoscalingv2.MetricValueStatus{}, fmt.Errorf("failed to get %s usage: %w", name, err)
		}
		used := quantityOf(name, each)
		made.metric, made.level = fmt.Sprintf("%s resource", name), fmt.Sprintf("%s is at %s a pod against a target of %s", what, used, target.AverageValue)
		return made, autoscalingv2.MetricValueStatus{AverageValue: used}, nil
	case target.AverageUtilization != nil:
		made, current, err := p.byUtilization(name, container, *target.AverageUtilization, read)
		if err != nil {
			return nil, current, fmt.Errorf("failed to get %s utilization: %w", name, err)
		}
		made.metric = fmt.Sprintf("%s resource utilization (percentage of request)", name)
		if container != "" {
			made.metric = fmt.Sprintf("%s container resource utilization (percentage of request)", name)
		}
		made.level = fmt.Sprintf("%s is at %d%% of requests against a target of %d%%", what, *current.AverageUtilization, *target.AverageUtilization)
		return made, current, nil
	default:
		return nil, autoscalingv2.MetricValueStatus{}, errors.New("invalid resource metric source: neither an average utilization target nor an average value (usage) target was set")
	}
}

// measured are the pods by what was read of them; that nothing is known of any is an error.
func (p proposer) measured(name corev1.ResourceName, read reading) (sorted, error) {
	if read.err != nil {
		return sorted{}, read.err
	}
	if len(p.pods) == 0 {
		return sorted{}, errNoPods
	}
	pods := p.sort(p.pods, read.pods, name, p.now)
	if len(pods.used) == 0 {
		return sorted{}, errNoSamples
	}
	return pods, nil
}

// byAverage is what pods ask for each of which shall use so much on average. each is how much they use.
func (p proposer) byAverage(name corev1.ResourceName, target int64, read reading) (made *proposal, each int64, err error) {
	pods, err := p.measured(name, read)
	if err != nil {
		return nil, 0, err
	}
	g := gauge{
		ratio: func(used map[string]int64) float64 { return float64(average(used)) / float64(target) },
		full:  func(string) int64 { return target },
	}
	return &proposal{replicas: g.replicas(p.target.Wanted(), pods, p.tolerance)}, average(pods.used), nil
}

// byUtilization is what pods ask for that shall together use a part of what they ask for.
func (p proposer) byUtilization(name corev1.ResourceName, container string, target int32, read reading) (*proposal, autoscalingv2.MetricValueStatus, error) {
	none := autoscalingv2.MetricValueStatus{}
	pods, err := p.measured(name, read)
	if err != nil {
		return nil, none, err
	}
	asked, err := requests(p.pods, container, name)
	if err != nil {
		return nil, none, err
	}
	percent, each, err := utilization(pods.used, asked)
	if err != nil {
		return nil, none, err
	}
	g := gauge{
		ratio: func(used map[string]int64) float64 {
			percent, _, _ := utilization(used, asked) // more pods do not make it fail
			return float64(percent) / float64(target)
		},
		full: func(pod string) int64 { return asked[pod] * int64(max(100, target)) / 100 },
	}
	return &proposal{replicas: g.replicas(p.target.Wanted(), pods, p.tolerance)},
		autoscalingv2.MetricValueStatus{AverageUtilization: &percent, AverageValue: quantityOf(name, each)}, nil
}

func (p proposer) byPods(source *autoscalingv2.PodsMetricSource, read reading) (*proposal, *failure) {
	if source.Target.AverageValue == nil {
		read.err = errors.New("invalid pods metric source: no average value target was set")
	}
	var target int64
	if source.Target.AverageValue != nil {
		target = source.Target.AverageValue.MilliValue()
	}
	made, each, err := p.byAverage("", target, read)
	if err != nil {
		return nil, &failure{reasonNoPods, err, fmt.Errorf("failed to get pods metric value: %w", err)}
	}
	used := quantityOf("", each)
	made.metric = "pods metric " + source.Metric.Name
	made.level = fmt.Sprintf("%s is at %s a pod against a target of %s", source.Metric.Name, used, source.Target.AverageValue)
	made.status = autoscalingv2.MetricStatus{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricStatus{
		Metric: source.Metric, Current: autoscalingv2.MetricValueStatus{AverageValue: used},
	}}
	return made, nil
}

func (p proposer) byObject(source *autoscalingv2.ObjectMetricSource, read reading) (*proposal, *failure) {
	metric := fmt.Sprintf("%s metric %s", source.DescribedObject.Kind, source.Metric.Name)
	inner := "" // what is said besides of a value that is shared
	if source.Target.Type == autoscalingv2.AverageValueMetricType {
		metric, inner = externally(source.Metric), fmt.Sprintf("failed to get %s object metric: ", source.Metric.Name)
	}
	if read.err == nil && !targeted(source.Target) {
		read.err, inner = errors.New("invalid object metric source: neither a value target nor an average value target was set"), ""
	}
	made, current, err := p.byValue(source.Target, source.Target.Type == autoscalingv2.AverageValueMetricType, read)
	if err != nil {
		return nil, &failure{reasonNoObject, err, fmt.Errorf("failed to get object metric value: %s%w", inner, err)}
	}
	made.metric = metric
	made.level = fmt.Sprintf("%s of %s %s is at %s", source.Metric.Name, source.DescribedObject.Kind, source.DescribedObject.Name, made.level)
	made.status = autoscalingv2.MetricStatus{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricStatus{
		DescribedObject: source.DescribedObject, Metric: source.Metric, Current: current,
	}}
	return made, nil
}

// targeted reports that a target has the value that its type speaks of.
func targeted(t autoscalingv2.MetricTarget) bool {
	return t.Type == autoscalingv2.ValueMetricType && t.Value != nil || t.Type == autoscalingv2.AverageValueMetricType && t.AverageValue != nil
}

func (p proposer) byExternal(source *autoscalingv2.ExternalMetricSource, read reading) (*proposal, *failure) {
	name, inner := source.Metric.Name, ""
	switch {
	case source.Target.AverageValue != nil:
		inner = fmt.Sprintf("failed to get %s external metric: ", name)
	case source.Target.Value != nil:
		inner = fmt.Sprintf("failed to get external metric %s: ", name)
	default:
		read.err = errors.New("invalid external metric source: neither a value target nor an average value target was set")
	}
	made, current, err := p.byValue(source.Target, source.Target.AverageValue != nil, read)
	if err != nil {
		return nil, &failure{reasonNoExternal, err, fmt.Errorf("failed to get %s external metric value: %s%w", name, inner, err)}
	}
	made.metric = externally(source.Metric)
	made.level = fmt.Sprintf("%s is at %s", name, made.level)
	made.status = autoscalingv2.MetricStatus{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricStatus{
		Metric: source.Metric, Current: current,
	}}
	return made, nil
}

func externally(metric autoscalingv2.MetricIdentifier) string {
	return fmt.Sprintf("external metric %s(%+v)", metric.Name, metric.Selector)
}

// byValue is what a metric asks for that has a single value: so many pods that it comes to its target, or that each has its share of it.
func (p proposer) byValue(target autoscalingv2.MetricTarget, share bool, read reading) (*proposal, autoscalingv2.MetricValueStatus, error) {
	none := autoscalingv2.MetricValueStatus{}
	if read.err != nil {
		return nil, none, read.err
	}
	value := total(read.values)
	if share {
		replicas, each := shared(p.target.Has(), value, target.AverageValue.MilliValue(), p.tolerance)
		made := &proposal{replicas: replicas, level: fmt.Sprintf("%s, shared by %d pods, against a target of %s each", quantityOf("", value), p.target.Has(), target.AverageValue)}
		return made, autoscalingv2.MetricValueStatus{AverageValue: quantityOf("", each)}, nil
	}
	ratio := float64(value) / float64(target.Value.MilliValue())
	replicas, err := toTarget(p.target.Wanted(), ratio, p.tolerance, func() (int, error) { return working(p.pods) })
	if err != nil {
		return nil, none, err
	}
	current := quantityOf("", value)
	return &proposal{replicas: replicas, level: fmt.Sprintf("%s against a target of %s", current, target.Value)}, autoscalingv2.MetricValueStatus{Value: current}, nil
}

// quantityOf is a number of thousandths, as a resource is written.
func quantityOf(name corev1.ResourceName, thousandths int64) *resource.Quantity {
	if name == corev1.ResourceMemory {
		return resource.NewMilliQuantity(thousandths, resource.BinarySI)
	}
	return resource.NewMilliQuantity(thousandths, resource.DecimalSI)
}
