// Package horizontalpodautoscaler keeps as many replicas of what a HorizontalPodAutoscaler points to as its metrics ask for. It is
// kube-controller-manager's horizontal-pod-autoscaler-controller.
//
// It owns the status of HorizontalPodAutoscalers, and sets spec.replicas of their targets through the scale subresource, whatever kind
// they are of. It watches HorizontalPodAutoscalers, of which it looks at each every 15 s, at moments that are spread over them, and at
// once when its spec changes; pods it reads from the cache. Of the metrics APIs it needs those only that an autoscaler's metrics are of:
// metrics.k8s.io (Resource, ContainerResource), custom.metrics.k8s.io (Pods, Object) and external.metrics.k8s.io (External).
// On a cluster that somebody else runs it has the right to scale what is of our kinds; of others it reads the scale, and FailedRescale
// says that it may not.
//
// # How many replicas
//
// Each metric asks for as many as would bring it to its target, and the most counts. A metric within its tolerance (a tenth, or as the
// behavior says for each direction) asks for no change. Where a metric cannot be read, the others may only ask for more.
//
// What is not known of pods is taken to be what makes the change smaller: where there are too few, pods that are not ready or were not
// measured use nothing; where there are too many, pods that were not measured are fully used. The CPU of a pod counts only once it is
// ready, and in the first 5 min of its life has been so for as long as it is measured over; a pod that became unready within 30 s of its
// start has never been ready. Pods that fail or go count nowhere.
//
// Then what was recommended before has a say: no fewer than at any time within the window of scaling down (5 min), and no more than
// at any time within that of scaling up (none). Then the policies of the behavior, by what was scaled within their periods; without a
// behavior at most twice as many, or 4. Then minReplicas and maxReplicas, beyond which no metric is asked.
//
// # Zero
//
// A target that somebody scales to zero is left alone: its autoscaler is off. With minReplicas 0, which takes a metric of an object or
// an external one, the autoscaler scales to zero itself, says so in the condition ScaledToZero, and scales up from there. (This is the
// feature HPAScaleToZero, on by default in Kubernetes 1.37; and so it is here.)
//
// # What it remembers
//
// What was recommended and by how much was scaled is in no object. It is remembered in the process, for as long as it counts, and goes
// with the autoscaler. After a restart the replicas that there are count as recommended. Which pods an autoscaler of another target scales
// is known once it has been looked at, too.
//
// # What it says
//
//	AbleToScale     True: SucceededGetScale, ReadyForNewScale, ScaleUpStabilized, ScaleDownStabilized, SucceededRescale;
//	                False: FailedGetScale, FailedUpdateScale
//	ScalingActive   True: ValidMetricFound; False: ScalingDisabled, InvalidSelector, AmbiguousSelector (several autoscalers select the
//	                same pods), InvalidMetricSourceType, FailedGet{Resource,ContainerResource,Pods,Object,External}Metric
//	ScalingLimited  True: TooFewReplicas, TooManyReplicas, ScaleUpLimit, ScaleDownLimit; False: DesiredWithinRange
//	ScaledToZero    True: ScaledToZero; False: NotScaledToZero
//
// Events: SuccessfulRescale and FailedRescale, with the new size and the reason; and, when it begins, what keeps it from scaling:
// FailedComputeMetricsReplicas, SelectorRequired, and the reasons above.
//
// Metrics, under the names that they have in Kubernetes: horizontal_pod_autoscaler_controller_reconciliations_total and
// _reconciliation_duration_seconds, by what was done and what went wrong; and _metric_computation_total and _duration_seconds, by the type
// of the metric, too.
//
// # What it does otherwise than Kubernetes
//
//   - What goes on is recorded as an event when it begins, and not at every look.
//   - A condition that stays False changes no lastTransitionTime.
//   - By how much was scaled is remembered for the longest period of any policy, and not for that of its own direction only, as both count it.
//   - That a computation took long means that the metrics API did: the computing itself is not timed.
//   - How many autoscalers there are, and what each asks for, are in the API and no metrics.
//   - Numbers that are too large are the largest, and a value that no pod shares is shared by one.
package horizontalpodautoscaler
