package simulate

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/ptr"
)

type runtimeObject = runtime.Object

// expanded is what a workload's controllers would make of it: pods, and what those rely on.
type expanded struct {
	pods   []*corev1.Pod
	others []*unstructured.Unstructured
}

// workloads are the kinds that pods come from.
var workloads = map[schema.GroupVersionKind]func(*unstructured.Unstructured) (expanded, error){
	gvk("", "v1", "Pod"):                   expandPod,
	gvk("", "v1", "ReplicationController"): expandReplicationController,
	gvk("apps", "v1", "Deployment"):        expandDeployment,
	gvk("apps", "v1", "ReplicaSet"):        expandReplicaSet,
	gvk("apps", "v1", "StatefulSet"):       expandStatefulSet,
	gvk("apps", "v1", "DaemonSet"):         refuse("its controller makes a pod for each node, which is not a choice of the scheduler"),
	gvk("batch", "v1", "Job"):              expandJob,
	gvk("batch", "v1", "CronJob"):          refuse("its controller makes Jobs at certain times: name a Job instead"),
}

func refuse(why string) func(*unstructured.Unstructured) (expanded, error) {
	return func(*unstructured.Unstructured) (expanded, error) { return expanded{}, errors.New(why) }
}

// as reads an object strictly: a field that does not exist is an error.
func as[T any](object *unstructured.Unstructured) (*T, error) {
	result := new(T)
	return result, runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, result, true)
}

func expandPod(object *unstructured.Unstructured) (expanded, error) {
	pod, err := as[corev1.Pod](object)
	if err != nil {
		return expanded{}, err
	}
	return expanded{pods: []*corev1.Pod{pending(pod)}}, nil
}

func expandReplicationController(object *unstructured.Unstructured) (expanded, error) {
	controller, err := as[corev1.ReplicationController](object)
	if err != nil {
		return expanded{}, err
	}
	if controller.Spec.Template == nil {
		return expanded{}, errors.New("spec.template is required")
	}
	return expanded{pods: numbered(object, *controller.Spec.Template, replicas(controller.Spec.Replicas), 1), others: only(object)}, nil
}

func expandDeployment(object *unstructured.Unstructured) (expanded, error) {
	deployment, err := as[appsv1.Deployment](object)
	if err != nil {
		return expanded{}, err
	}
	// Its pods are a ReplicaSet's, by which they are spread.
	set := object.DeepCopy()
	set.SetKind("ReplicaSet")
	set.SetUID(uuid.NewUUID())
	for field := range map[string]bool{"strategy": true, "paused": true, "progressDeadlineSeconds": true, "revisionHistoryLimit": true} {
		unstructured.RemoveNestedField(set.Object, "spec", field)
	}
	return expanded{pods: numbered(set, deployment.Spec.Template, replicas(deployment.Spec.Replicas), 1), others: only(set)}, nil
}

func expandReplicaSet(object *unstructured.Unstructured) (expanded, error) {
	set, err := as[appsv1.ReplicaSet](object)
	if err != nil {
		return expanded{}, err
	}
	return expanded{pods: numbered(object, set.Spec.Template, replicas(set.Spec.Replicas), 1), others: only(object)}, nil
}

func expandJob(object *unstructured.Unstructured) (expanded, error) {
	job, err := as[batchv1.Job](object)
	if err != nil {
		return expanded{}, err
	}
	count := replicas(job.Spec.Parallelism)
	if job.Spec.Completions != nil {
		count = min(count, int(*job.Spec.Completions))
	}
	return expanded{pods: numbered(object, job.Spec.Template, count, 1), others: only(object)}, nil
}

// expandStatefulSet makes its claims, too.
func expandStatefulSet(object *unstructured.Unstructured) (expanded, error) {
	set, err := as[appsv1.StatefulSet](object)
	if err != nil {
		return expanded{}, err
	}
	start := 0
	if set.Spec.Ordinals != nil {
		start = int(set.Spec.Ordinals.Start)
	}
	result := expanded{pods: numbered(object, set.Spec.Template, replicas(set.Spec.Replicas), start), others: only(object)}
	for _, pod := range result.pods {
		for _, template := range set.Spec.VolumeClaimTemplates {
			claim := template.DeepCopy()
			claim.Namespace, claim.Name = object.GetNamespace(), template.Name+"-"+pod.Name
			content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(claim)
			if err != nil {
				return expanded{}, fmt.Errorf("spec.volumeClaimTemplates: %w", err)
			}
			u := &unstructured.Unstructured{Object: content}
			u.SetGroupVersionKind(gvk("", "v1", "PersistentVolumeClaim"))
			result.others = append(result.others, u)
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: template.Name, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name},
			}})
		}
	}
	return result, nil
}

func replicas(wanted *int32) int { return int(ptr.Deref(wanted, 1)) }

func only(object *unstructured.Unstructured) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{object}
}

// numbered makes pods of a template, which are named after their controller.
func numbered(controller *unstructured.Unstructured, template corev1.PodTemplateSpec, count, first int) []*corev1.Pod {
	owner := metav1.OwnerReference{
		APIVersion: controller.GetAPIVersion(), Kind: controller.GetKind(), Name: controller.GetName(), UID: controller.GetUID(),
		Controller: ptr.To(true),
	}
	all := make([]*corev1.Pod, count)
	for i := range all {
		all[i] = &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
		all[i].Name = fmt.Sprintf("%s-%d", controller.GetName(), first+i)
		all[i].OwnerReferences = []metav1.OwnerReference{owner}
	}
	return all
}
