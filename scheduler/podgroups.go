package scheduler

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	oschedulingv1beta1 "github.com/orrery-dev/orrery/apis/scheduling/v1beta1"
	"github.com/orrery-dev/orrery/scheduler/podgroups"
)

// Pod groups, where the API server has them.
//
// +kubebuilder:rbac:groups=scheduling.k8s.io;scheduling.orrery.dev,resources=podgroups,verbs=list;watch
// +kubebuilder:rbac:groups=scheduling.k8s.io;scheduling.orrery.dev,resources=podgroups/status,verbs=patch

var (
	podGroupAdded   = fwk.ClusterEvent{Resource: fwk.PodGroup, ActionType: fwk.Add}
	podGroupUpdated = fwk.ClusterEvent{Resource: fwk.PodGroup, ActionType: fwk.Update}
	podGroupDeleted = fwk.ClusterEvent{Resource: fwk.PodGroup, ActionType: fwk.Delete}
)

// servesPodGroups asks the API server whether it has pod groups, again and again until it answers. Where it has not, their
// members are scheduled one by one.
func (s *Scheduler) servesPodGroups(ctx context.Context) (served bool, err error) {
	err = wait.PollUntilContextCancel(ctx, time.Second, true, func(context.Context) (bool, error) {
		served, err = s.askForPodGroups()
		if err != nil {
			s.options.Logger.Error(err, "The API server did not say whether it has pod groups; it is asked again")
		}
		return err == nil, nil
	})
	return served, err
}

func (s *Scheduler) askForPodGroups() (bool, error) {
	kind, err := apiutil.GVKForObject(&oschedulingv1beta1.PodGroup{}, s.options.Cluster.GetScheme())
	if err != nil {
		return false, fmt.Errorf("finding the API group of pod groups: %w", err)
	}
	_, err = s.options.Cluster.GetRESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
	if apimeta.IsNoMatchError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking the API server for pod groups: %w", err)
	}
	return true, nil
}

// schedulePodGroups makes cache and queue keep the pods of a group together.
func (s *Scheduler) schedulePodGroups() {
	s.cache.Groups().Serve()
	s.queue.UseGroups()
}

func (s *Scheduler) podGroupHandler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.podGroupAdded(podGroupOf(object)) },
		UpdateFunc: func(old, new any) { s.podGroupUpdated(podGroupOf(old), podGroupOf(new)) },
		DeleteFunc: func(object any) { s.podGroupDeleted(podGroupOf(last(object))) },
	}
}

func podGroupOf(object any) *schedulingv1beta1.PodGroup {
	return (*schedulingv1beta1.PodGroup)(object.(*oschedulingv1beta1.PodGroup))
}

func (s *Scheduler) podGroupAdded(group *schedulingv1beta1.PodGroup) {
	defer handled(podGroupAdded.Label())()
	s.cache.Groups().SetGroup(group)
	s.queue.SetGroup(group)
	s.queue.Move(podGroupAdded, nil, group, nil)
}

func (s *Scheduler) podGroupUpdated(old, new *schedulingv1beta1.PodGroup) {
	defer handled(podGroupUpdated.Label())()
	s.cache.Groups().SetGroup(new)
	s.queue.SetGroup(new)
	if !equality.Semantic.DeepEqual(old.Spec, new.Spec) { // The status is mostly what this scheduler says.
		s.queue.Move(podGroupUpdated, old, new, nil)
	}
}

func (s *Scheduler) podGroupDeleted(group *schedulingv1beta1.PodGroup) {
	defer handled(podGroupDeleted.Label())()
	s.cache.Groups().RemoveGroup(group.Namespace, group.Name)
	s.queue.RemoveGroup(group.Namespace, group.Name)
	s.queue.Move(podGroupDeleted, group, nil, nil)
}

// addUnscheduledGroupPod and parted tell of a pod without a node. Those with one, the cache tells of.
func (s *Scheduler) addUnscheduledGroupPod(pod *corev1.Pod) { s.cache.Groups().SetPod(pod) }

func (s *Scheduler) deleteUnscheduledGroupPod(pod *corev1.Pod) {
	if _, grouped := podgroups.Of(pod); grouped {
		s.cache.Groups().RemovePod(pod)
	}
}
